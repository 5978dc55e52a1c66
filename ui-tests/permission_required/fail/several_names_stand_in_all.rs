use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post", "blog.view_post")]
async fn handler() {}

fn main() {}
