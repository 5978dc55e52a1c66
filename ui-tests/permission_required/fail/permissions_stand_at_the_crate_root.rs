use auth::permission_required;

mod inner {
    auth::permissions! { blog { model Post; } }
}

#[permission_required("blog.add_post")]
async fn handler() {}

fn main() {}
