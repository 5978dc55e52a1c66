use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Service;

#[permission_required("blog.add_post")]
impl Service {}

fn main() {}
