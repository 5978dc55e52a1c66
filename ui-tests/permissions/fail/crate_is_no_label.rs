mod permissions {
    auth::permissions! {
        crate { add: "Can" }
    }
}

fn main() {}
