use auth::access::Granted;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

fn publish(_: &Granted<permissions::blog::publish_post>) {}

#[permission_required("blog.add_post", as = granted)]
async fn handler() {
    publish(&granted);
}

fn main() {}
