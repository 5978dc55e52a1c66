use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("publish_post", as = granted)]
async fn add() {
    let _ = granted;
}

fn main() {}
