auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    "Editors" => [blog::add_post];
}

fn main() {}
