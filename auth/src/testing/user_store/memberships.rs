//! What users hold: permissions, groups, and the lists of who holds what.

use super::{ADMIN, READ, READERS, WRITE, create, find, there};
use crate::testing::{TestUser, at_once};
use crate::users::{Group, Page, UserError, UserStore};

/// Directly given, directly taken, known at once.
pub async fn revoked_permission_is_gone_at_the_next_find<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    let other = create(&store, "b").await.id;
    assert!(store.grant(&id, WRITE).await.unwrap());
    let account = there(&store, id).await;
    assert!(account.permissions.has_name(WRITE));
    assert_eq!(account.user.user_permissions, [WRITE]);
    assert!(there(&store, other).await.permissions.is_empty());
    assert!(store.revoke(&id, WRITE).await.unwrap());
    let account = there(&store, id).await;
    assert!(account.permissions.is_empty() && account.user.user_permissions.is_empty());
}

/// The second time changes nothing, and says so.
pub async fn grants_can_be_repeated<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    assert!(store.grant(&id, WRITE).await.unwrap());
    assert!(!store.grant(&id, WRITE).await.unwrap());
    assert!(store.revoke(&id, WRITE).await.unwrap());
    assert!(!store.revoke(&id, WRITE).await.unwrap());
    assert!(store.add_to_group(&id, READERS).await.unwrap());
    assert!(!store.add_to_group(&id, READERS).await.unwrap());
    assert!(store.remove_from_group(&id, READERS).await.unwrap());
    assert!(!store.remove_from_group(&id, READERS).await.unwrap());
    assert!(!store.grant_to_group(READERS, READ).await.unwrap());
    assert!(store.revoke_from_group(READERS, READ).await.unwrap());
    assert!(!store.revoke_from_group(READERS, READ).await.unwrap());
    assert!(store.grant_to_group(READERS, READ).await.unwrap());
}

/// A misspelt name is an error, not a grant of nothing.
pub async fn grants_to_nobody_and_of_nothing_are_told<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    let long = "x".repeat(1 << 20);
    for name in ["suite.unknown", "suite", "", "Suite.read", "suite.read ", "suite.read\0", "*.*", &long] {
        for result in [
            store.grant(&id, name).await,
            store.revoke(&id, name).await,
            store.grant_to_group(READERS, name).await,
            store.revoke_from_group(READERS, name).await,
        ] {
            assert!(matches!(result, Err(UserError::UnknownPermission(_))), "{result:?}");
        }
        assert!(store.with_permission(name, Page::first(10)).await.unwrap().is_empty());
    }
    for name in ["nobodies", "", "READERS", "readers ", "readers\0", &long] {
        for result in [
            store.add_to_group(&id, name).await,
            store.remove_from_group(&id, name).await,
            store.grant_to_group(name, READ).await,
            store.revoke_from_group(name, READ).await,
        ] {
            assert!(matches!(result, Err(UserError::UnknownGroup(_))), "{result:?}");
        }
        assert!(!store.delete_group(name).await.unwrap());
    }
    for result in [
        store.grant(&-1, READ).await,
        store.revoke(&-1, READ).await,
        store.add_to_group(&-1, READERS).await,
        store.remove_from_group(&-1, READERS).await,
    ] {
        assert!(matches!(result, Err(UserError::NotFound)), "{result:?}");
    }
}

/// What a group is given, its members hold; what it loses, they lose.
pub async fn groups_give_their_permissions<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    assert!(store.add_to_group(&id, READERS).await.unwrap());
    let account = there(&store, id).await;
    assert!(account.permissions.has_name(READ) && account.user.user_permissions.is_empty());
    assert_eq!(account.user.groups, [READERS]);
    assert!(store.grant_to_group(READERS, ADMIN).await.unwrap());
    assert!(there(&store, id).await.permissions.has_name(ADMIN));
    assert!(store.revoke_from_group(READERS, ADMIN).await.unwrap());
    assert!(!there(&store, id).await.permissions.has_name(ADMIN));
    // What is held in two ways is held until both are taken away.
    assert!(store.grant(&id, READ).await.unwrap());
    assert!(store.remove_from_group(&id, READERS).await.unwrap());
    assert!(there(&store, id).await.permissions.has_name(READ));
    assert!(store.revoke(&id, READ).await.unwrap());
    assert!(there(&store, id).await.permissions.is_empty());
}

/// A removed group is gone from its members, too.
pub async fn groups_are_made_and_removed<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let readers = Group::new(READERS, "Readers", vec![READ.to_owned()]);
    assert_eq!(store.groups().await.unwrap(), std::slice::from_ref(&readers));
    store.create_group("Zoë, admin", "Те, кто 🦀").await.unwrap();
    let again = store.create_group("Zoë, admin", "").await;
    assert!(matches!(again, Err(UserError::GroupExists(_))), "{again:?}");
    assert!(store.grant_to_group("Zoë, admin", WRITE).await.unwrap());
    assert!(store.grant_to_group("Zoë, admin", ADMIN).await.unwrap());
    let zoe = Group::new("Zoë, admin", "Те, кто 🦀", vec![ADMIN.to_owned(), WRITE.to_owned()]);
    assert_eq!(store.groups().await.unwrap(), [zoe, readers.clone()]);

    let id = create(&store, "a").await.id;
    assert!(store.add_to_group(&id, "Zoë, admin").await.unwrap());
    assert!(store.add_to_group(&id, READERS).await.unwrap());
    assert_eq!(there(&store, id).await.user.groups, ["Zoë, admin", READERS]);
    assert!(store.delete_group("Zoë, admin").await.unwrap());
    assert!(!store.delete_group("Zoë, admin").await.unwrap());
    let account = there(&store, id).await;
    assert_eq!(account.user.groups, [READERS]);
    assert_eq!(account.permissions.names().collect::<Vec<_>>(), [READ]);
    assert_eq!(store.groups().await.unwrap(), [readers]);
}

/// 1 to 150 characters, none of them a control character.
pub async fn group_names_have_a_form<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    for name in ["", "a\0", "a\nb", "a\u{1f}b", &"ü".repeat(151)] {
        let result = store.create_group(name, "").await;
        assert!(matches!(result, Err(UserError::Invalid(_))), "{name:?}: {result:?}");
    }
    let result = store.create_group("a", &"x".repeat(256)).await;
    assert!(matches!(result, Err(UserError::Invalid(_))), "{result:?}");
    let longest = "ü".repeat(150);
    store.create_group(&longest, &"ü".repeat(255)).await.unwrap();
    for name in ["a", "A", "a ", "'; --", ","] {
        store.create_group(name, "").await.unwrap();
    }
    let names: Vec<_> = store.groups().await.unwrap().into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["'; --", ",", "A", "a", "a ", READERS, &longest]);
}

/// Directly, through a group, or as a superuser; the active ones, each once, in the order of keys.
pub async fn holders_of_a_permission_are_listed<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = |name, groups: &[&str], permissions: &[&str]| TestUser {
        groups: groups.iter().map(ToString::to_string).collect(),
        user_permissions: permissions.iter().map(ToString::to_string).collect(),
        ..TestUser::named(name)
    };
    let users = [
        user("direct", &[], &[READ]),
        user("through group", &[READERS], &[]),
        user("both", &[READERS], &[READ, WRITE]),
        TestUser { is_superuser: true, ..user("superuser", &[], &[]) },
        user("other", &[], &[WRITE]),
        TestUser { is_active: false, ..user("inactive", &[READERS], &[READ]) },
        TestUser { is_active: false, is_superuser: true, ..user("former", &[], &[]) },
    ];
    for user in users {
        store.create(user).await.unwrap();
    }
    let names = async |permission, page| -> Vec<String> {
        let users = store.with_permission(permission, page).await.unwrap();
        users.into_iter().map(|user| user.username).collect()
    };
    assert_eq!(names(READ, Page::first(10)).await, ["direct", "through group", "both", "superuser"]);
    assert_eq!(names(READ, Page::first(2)).await, ["direct", "through group"]);
    assert_eq!(names(READ, Page::first(2).next()).await, ["both", "superuser"]);
    assert_eq!(names(WRITE, Page::first(10)).await, ["both", "superuser", "other"]);
    assert_eq!(names(ADMIN, Page::first(10)).await, ["superuser"]);
}

/// Who grants the same at the same moment gets no error, and one of them is told that it changed something.
pub async fn many_grants_at_once_are_one<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    let (store, id) = (&store, &id);
    let changed = |results: Vec<Result<bool, UserError>>| {
        results.into_iter().map(Result::unwrap).filter(|changed| *changed).count()
    };
    assert_eq!(changed(at_once((0..16).map(|_| store.grant(id, WRITE))).await), 1);
    assert_eq!(changed(at_once((0..16).map(|_| store.add_to_group(id, READERS))).await), 1);
    assert_eq!(changed(at_once((0..16).map(|_| store.grant_to_group(READERS, ADMIN))).await), 1);
    assert_eq!(changed(at_once((0..16).map(|_| store.revoke(id, WRITE))).await), 1);
    assert_eq!(changed(at_once((0..16).map(|_| store.remove_from_group(id, READERS))).await), 1);
}

/// It comes before the removal, or there is no such user; the store does not fail.
pub async fn a_grant_to_a_user_who_is_being_removed_is_no_failure<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    for i in 0..4 {
        let id = create(&store, &format!("user {i}")).await.id;
        let (store, id) = (&store, &id);
        let work = (0..9_u8).map(|i| async move {
            match i {
                4 => store.delete(id).await,
                i if i % 2 == 0 => store.grant(id, WRITE).await,
                _ => store.add_to_group(id, READERS).await,
            }
        });
        for result in at_once(work).await {
            assert!(matches!(result, Ok(_) | Err(UserError::NotFound)), "{result:?}");
        }
        assert!(find(store, *id).await.is_none());
    }
}
