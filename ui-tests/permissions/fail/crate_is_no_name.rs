mod permissions {
    auth::permissions! {
        blog { crate: "Can" }
    }
}

fn main() {}
