use auth::access::Granted;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

fn publish(_: &Granted<permissions::blog::publish_post>) {}

async fn handler() {
    publish(&granted);
}

#[permission_required("blog.add_post")]
async fn other() {}

fn main() {}
