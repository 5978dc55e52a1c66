mod permissions {
    auth::permissions! {
        blog { a: "Can a" }
        blog { b: "Can b" }
    }
}

fn main() {}
