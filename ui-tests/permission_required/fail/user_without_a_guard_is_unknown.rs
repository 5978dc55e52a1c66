use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

fn add(#[user] user: &u8) {
    let _ = user;
}

#[permission_required("blog.add_post")]
async fn other() {}

fn main() {}
