mod permissions {
    auth::permissions! {
        blog { self: "Can" }
    }
}

fn main() {}
