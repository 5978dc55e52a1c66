use auth::access::Granted;

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; } }
}

fn main() {
    let _: Granted<permissions::blog::publish_post> = Default::default();
}
