use auth::access::Granted;

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; } }
}

fn publish(_: &Granted<permissions::blog::publish_post>) {}

fn main() {
    publish(&permissions::blog::publish_post {});
}
