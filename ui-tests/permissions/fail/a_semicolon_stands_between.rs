mod permissions {
    auth::permissions! {
        blog {
            add_post: "Can add posts"
            publish_post: "Can publish posts"
        }
    }
}

fn main() {}
