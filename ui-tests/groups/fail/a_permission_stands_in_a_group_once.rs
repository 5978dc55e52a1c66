auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    editors: "Editors" => [blog::add_post, blog::add_post];
}

fn main() {}
