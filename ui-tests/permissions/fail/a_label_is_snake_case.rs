mod permissions {
    auth::permissions! {
        Blog { publish_post: "Can publish posts" }
    }
}

fn main() {}
