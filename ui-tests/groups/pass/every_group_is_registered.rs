auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
auth::groups! {
    editors: "Editors" => [blog::change_post, crate::blog::publish_post];
    clerks_too: "Clerks" => [auth_ui_tests::permissions::shop::refund_order,];
    nobody: "Nobody" => []
}

fn main() {
    let groups: Vec<_> = auth::registry::entries::<auth::permissions::GroupEntry>()
        .into_iter()
        .filter(|group| group.place.origin() != "auth_ui_tests")
        .map(|group| (group.name, group.title, group.permissions, group.place.line))
        .collect();
    assert_eq!(
        groups,
        [
            ("clerks_too", "Clerks", &["shop.refund_order"][..], 4),
            ("editors", "Editors", &["blog.change_post", "blog.publish_post"], 3),
            ("nobody", "Nobody", &[], 5),
        ]
    );
}
