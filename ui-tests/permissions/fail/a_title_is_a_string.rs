mod permissions {
    auth::permissions! {
        blog { publish_post: Posts; }
    }
}

fn main() {}
