mod facade {
    pub use auth as framework;
}

mod permissions {
    use super::facade::framework;

    framework::permissions! {
        crate = crate::facade::framework;
        blog { model Post; }
    }
    framework::groups! {
        crate = crate::facade::framework;
        editors: "Editors" => [blog::change_post];
    }
}

#[auth::permission_required("blog.add_post", crate = crate::facade::framework)]
async fn handler() {}

fn main() {
    let _ = handler;
}
