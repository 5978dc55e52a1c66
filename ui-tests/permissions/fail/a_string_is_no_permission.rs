mod permissions {
    auth::permissions! {
        blog { "publish_post" }
    }
}

fn main() {}
