mod permissions {
    auth::permissions! {
        blog {
            model Post;
            add_post: "Can add posts";
        }
    }
}

fn main() {}
