mod permissions {
    auth::permissions! {
        blog { Self: "Can" }
    }
}

fn main() {}
