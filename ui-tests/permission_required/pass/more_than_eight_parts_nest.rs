use auth::permission_required;

mod permissions {
    pub use auth_ui_tests::permissions::shop;
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required(all(
    "blog.add_post", "blog.change_post", "blog.delete_post", "blog.view_post", "blog.publish_post",
    "shop.add_order", "shop.change_order", "shop.delete_order", "shop.view_order", "shop.refund_order",
))]
async fn handler() {}

#[permission_required(all("blog.add_post"), crate = ::auth)]
async fn one() {}

fn main() {
    let entries = auth::registry::entries::<auth::access::GuardEntry>();
    let permissions: Vec<_> = entries.iter().map(|entry| (entry.permissions)().len()).collect();
    assert_eq!(permissions, [10, 1]);
    let _ = (handler, one);
}
