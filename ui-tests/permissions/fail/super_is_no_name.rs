mod permissions {
    auth::permissions! {
        blog { super: "Can" }
    }
}

fn main() {}
