use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Service;

impl Service {
    #[permission_required("blog.add_post")]
    async fn add(&self) {}
}

fn main() {}
