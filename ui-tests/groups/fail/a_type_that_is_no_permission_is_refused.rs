auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    editors: "Editors" => [String];
}

fn main() {}
