mod permissions {
    auth::permissions! {
        blog { publishPost: "Can publish posts" }
    }
}

fn main() {}
