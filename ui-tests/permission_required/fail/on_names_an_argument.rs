use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.change_post", on = psot)]
async fn handler(id: i64, post: String) {
    let _ = (id, post);
}

fn main() {}
