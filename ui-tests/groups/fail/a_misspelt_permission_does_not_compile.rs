auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    editors: "Editors" => [blog::chnage_post];
}

fn main() {}
