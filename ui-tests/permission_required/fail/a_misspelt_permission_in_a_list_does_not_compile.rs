use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required(all("blog.add_post", any("blog.view_post", "blog.chnge_post")))]
async fn handler() {}

fn main() {}
