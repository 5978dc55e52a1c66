use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

#[permission_required("blog.add_post", crate = "auth")]
async fn handler(post: u8) {
    let _ = post;
}

fn main() {}
