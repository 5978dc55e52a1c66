use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

#[permission_required(all("blog.add_post", view_post))]
async fn handler(post: u8) {
    let _ = post;
}

fn main() {}
