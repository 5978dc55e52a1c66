use auth::access::CurrentUser;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post")]
fn add(#[user] user: &CurrentUser<Author>) {
    let _ = user;
}

struct Author;

fn main() {}
