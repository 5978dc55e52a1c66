use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post", from = crate::words)]
async fn handler() {}

fn main() {}
