use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required(any("blog.Add", "add"), hide, hidden = true)]
fn handler() {}

fn main() {}
