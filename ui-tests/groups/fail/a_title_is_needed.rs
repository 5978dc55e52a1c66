auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    editors => [blog::add_post];
}

fn main() {}
