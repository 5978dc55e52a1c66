//! An entry that is made by hand and takes the index of a permission gives nobody that permission.

use auth::__private::inventory;
use auth::permissions::{DeclaredPermission, PermissionEntry, PermissionSet};
use auth::prelude::*;
use auth::registry::{self, Place};
use auth::users::DefaultUser;

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; unpublish_post: "Can unpublish posts"; } }
}

use permissions::blog::{publish_post, unpublish_post};

// Sorted before the permission and after it.
inventory::submit! {
    PermissionEntry {
        name: "aaa.smuggled",
        title: "",
        place: Place::new("m", "f", 1),
        index: <publish_post as DeclaredPermission>::index,
    }
}
inventory::submit! {
    PermissionEntry {
        name: "zzz.smuggled",
        title: "",
        place: Place::new("m", "f", 2),
        index: <publish_post as DeclaredPermission>::index,
    }
}

#[test]
fn an_index_belongs_to_one_permission() {
    for name in ["aaa.smuggled", "zzz.smuggled"] {
        let set = PermissionSet::of([name]);
        assert!(set.has_name(name));
        assert!(!set.has::<publish_post>() && !set.has::<unpublish_post>(), "{name}");
    }
    assert!(PermissionSet::of(["blog.unpublish_post"]).has::<unpublish_post>());
}

#[tokio::test]
async fn such_a_program_does_not_start() {
    let error = registry::check::<PermissionEntry>().unwrap_err();
    let told = error.to_string();
    assert!(told.contains("index of the permission `aaa.smuggled`") && told.contains("f:1"), "{told}");
    assert!(Auth::<DefaultUser>::builder().build().await.is_err());
}
