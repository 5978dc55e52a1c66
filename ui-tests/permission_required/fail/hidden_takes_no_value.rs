use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

#[permission_required("blog.add_post", on = post, hidden = yes)]
async fn handler(post: u8) {
    let _ = post;
}

fn main() {}
