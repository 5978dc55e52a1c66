#[auth::mfa_required("blog.add_post")]
async fn handler() {}

fn main() {}
