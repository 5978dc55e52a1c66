mod permissions {
    auth::permissions! {
        blog { Add: "Can add"; b: "Can b"; b: "Can b"; }
        Blog {}
        shop { model type_; }
    }
}

#[auth::permission_required("blog.b")]
async fn handler() {}

fn main() {}
