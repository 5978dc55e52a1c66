use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.change_post", on = post)]
async fn handler((post, _): (String, u8)) {
    let _ = post;
}

fn main() {}
