use auth::access::Granted;

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; } }
}

fn twice(granted: &Granted<permissions::blog::publish_post>) -> Granted<permissions::blog::publish_post> {
    granted.clone()
}

fn main() {}
