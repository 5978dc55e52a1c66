mod permissions {
    auth::permissions! {
        blog {
            publish_post: "Can publish posts";
            publish_post: "Can publish posts";
        }
    }
}

fn main() {}
