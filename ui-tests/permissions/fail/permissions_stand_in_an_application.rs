mod permissions {
    auth::permissions! {
        publish_post: "Can publish posts";
    }
}

fn main() {}
