//! What every [`UserStore`] must hold to, one function for each promise.
//!
//! `user_store_suite!` makes a test of each; it is given an async function that makes a store without users, and
//! whatever must live as long as the test. The store must know what `declare_suite_permissions!` declares, which
//! stands once in the tests: the permissions `suite.read`, `suite.write` and `suite.admin`, and the group `readers`
//! with the first of them.
//!
//! ```
//! use auth::testing::TestUser;
//! use auth::users::InMemoryUserStore;
//!
//! auth::declare_suite_permissions!();
//!
//! async fn store() -> (InMemoryUserStore<TestUser>, ()) {
//!     (InMemoryUserStore::new(), ())
//! }
//!
//! # #[cfg(any())]
//! auth::user_store_suite!(store);
//! # fn main() {}
//! ```
//!
//! Attributes in front of the function stand on each test, as in `session_backend_suite!`.

mod credentials;
mod memberships;

use chrono::{DateTime, TimeDelta, Utc};

use super::{TestUser, at_once};
use crate::passwords::PasswordHash;
use crate::users::{Account, Page, UserError, UserLookup, UserStore};

pub use credentials::*;
pub use memberships::*;

/// Makes a test of each promise of `UserStore`. See `auth::testing::user_store`.
#[macro_export]
macro_rules! user_store_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, user_store:
            nobody_is_found_in_an_empty_store,
            created_user_is_found_whole,
            keys_are_never_given_again,
            texts_are_compared_by_bytes,
            taken_name_is_refused,
            null_is_not_taken,
            one_of_many_who_take_a_name_gets_it,
            shared_address_finds_nobody,
            misfit_is_refused_and_nothing_written,
            memberships_are_written_with_a_new_user,
            unknown_membership_writes_nothing,
            update_writes_columns_and_no_memberships,
            update_of_a_whole_user_writes_no_rights,
            update_of_some_columns_leaves_the_others,
            update_of_an_unknown_column_is_refused,
            update_of_a_missing_user_is_told,
            update_never_takes_a_taken_name,
            stale_copy_does_not_undo_a_password_change,
            created_copy_does_not_undo_a_password_change,
            changed_password_renews_the_credential_version,
            disabled_user_is_logged_out_for_good,
            rehash_keeps_the_credential_version_and_overtakes_nothing,
            last_login_is_noted_to_the_microsecond,
            deleted_user_is_gone_with_all_memberships,
            list_is_in_the_order_of_keys,
            revoked_permission_is_gone_at_the_next_find,
            grants_can_be_repeated,
            grants_to_nobody_and_of_nothing_are_told,
            groups_give_their_permissions,
            groups_are_made_and_removed,
            group_names_have_a_form,
            holders_of_a_permission_are_listed,
            many_grants_at_once_are_one,
            a_grant_to_a_user_who_is_being_removed_is_no_failure,
        }
    };
}

/// Declares what the suite asks of the store; once, at the root of the tests.
#[macro_export]
macro_rules! declare_suite_permissions {
    () => {
        $crate::declare_suite_permissions! { @one "suite.read" "Can read" }
        $crate::declare_suite_permissions! { @one "suite.write" "Can write" }
        $crate::declare_suite_permissions! { @one "suite.admin" "Can do the rest" }
        $crate::__private::inventory::submit! {
            $crate::permissions::GroupEntry {
                name: "readers",
                title: "Readers",
                permissions: &["suite.read"],
                place: $crate::registry::Place::new(::core::module_path!(), ::core::file!(), ::core::line!()),
            }
        }
    };
    (@one $name:literal $title:literal) => {
        const _: () = {
            static INDEX: $crate::permissions::PermissionIndex = $crate::permissions::PermissionIndex::new();
            $crate::__private::inventory::submit! {
                $crate::permissions::PermissionEntry {
                    name: $name,
                    title: $title,
                    place: $crate::registry::Place::new(::core::module_path!(), ::core::file!(), ::core::line!()),
                    index: || &INDEX,
                }
            }
        };
    };
}

const READ: &str = "suite.read";
const WRITE: &str = "suite.write";
const ADMIN: &str = "suite.admin";
const READERS: &str = "readers";

async fn create(store: &impl UserStore<TestUser>, name: &str) -> TestUser {
    store.create(TestUser::named(name)).await.expect("the name is free")
}

async fn find(store: &impl UserStore<TestUser>, id: i64) -> Option<Account<TestUser>> {
    store.find(UserLookup::Id(&id)).await.expect("the store works")
}

async fn there(store: &impl UserStore<TestUser>, id: i64) -> Account<TestUser> {
    find(store, id).await.expect("the user is there")
}

async fn by_name(store: &impl UserStore<TestUser>, name: &str) -> Option<i64> {
    let found = store.find(UserLookup::Username(name)).await.expect("the store works");
    found.map(|account| account.user.id)
}

async fn by_email(store: &impl UserStore<TestUser>, email: &str) -> Option<i64> {
    let found = store.find(UserLookup::Email(email)).await.expect("the store works");
    found.map(|account| account.user.id)
}

async fn count(store: &impl UserStore<TestUser>) -> usize {
    store.list(Page::first(1000)).await.expect("the store works").len()
}

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_700_000_000_123_457).expect("that moment was")
}

/// Neither by key nor by name nor by address, whatever is asked for.
pub async fn nobody_is_found_in_an_empty_store<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    for id in [0, 1, -1, i64::MAX, i64::MIN] {
        assert!(find(&store, id).await.is_none());
    }
    for text in ["", "nobody", "a\0b", "'; --", "%", "🦀", &"x".repeat(1 << 20)] {
        assert_eq!(by_name(&store, text).await, None);
        assert_eq!(by_email(&store, text).await, None);
    }
    assert_eq!(count(&store).await, 0);
}

/// Every field comes back as it was, whichever way the user is found.
pub async fn created_user_is_found_whole<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = TestUser {
        email: "алиса@example.org".to_owned(),
        password_hash: PasswordHash::new("$argon2id$x"),
        last_login: Some(moment()),
        is_active: false,
        is_superuser: true,
        badge: Some(i32::MIN),
        about: "line\nquote ' \" ` \\ 🦀\u{1f}".repeat(1000),
        groups: vec![READERS.to_owned()],
        user_permissions: vec![ADMIN.to_owned(), WRITE.to_owned()],
        ..TestUser::named("Алиса 🦀")
    };
    let created = store.create(user.clone()).await.unwrap();
    assert_ne!(created.id, 0);
    let expected = TestUser { id: created.id, ..user };
    let account = there(&store, created.id).await;
    assert_eq!(*account.user, expected);
    assert_ne!(account.credential, 0);
    assert!(!account.user.password_hash.is_changed());
    let names: Vec<_> = account.permissions.names().collect();
    assert_eq!(names, [ADMIN, READ, WRITE]);
    assert_eq!(by_name(&store, &expected.username).await, Some(created.id));
    assert_eq!(by_email(&store, &expected.email).await, Some(created.id));
    assert_eq!(store.list(Page::first(10)).await.unwrap(), [expected]);
}

/// What refers to a deleted user must never mean another.
pub async fn keys_are_never_given_again<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let first = create(&store, "first").await;
    let second = create(&store, "second").await;
    assert_ne!(first.id, second.id);
    assert!(store.delete(&second.id).await.unwrap());
    let third = create(&store, "second").await;
    assert_ne!(third.id, second.id);
    assert!(find(&store, second.id).await.is_none());
}

/// Names that look alike are different names, to be told apart before they come here.
pub async fn texts_are_compared_by_bytes<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let names = [
        "alice",
        "Alice",
        "ALICE",
        "alice ",
        " alice",
        "àlice",
        "a\u{300}lice",
        "ß",
        "ss",
        "i",
        "ı",
        "İ",
        "🦀",
        "🦞",
        "ａlice",
    ];
    let mut users = Vec::new();
    for name in names {
        let email = format!("{name}@example.org");
        users.push(store.create(TestUser { email, ..TestUser::named(name) }).await.unwrap());
    }
    for user in &users {
        assert_eq!(by_name(&store, &user.username).await, Some(user.id), "{:?}", user.username);
        assert_eq!(by_email(&store, &user.email).await, Some(user.id), "{:?}", user.email);
    }
    assert_eq!(by_name(&store, "aLICE").await, None);
    assert_eq!(by_name(&store, "alice  ").await, None);
    assert_eq!(by_name(&store, "alic_").await, None);
}

/// The error names the column; the store is as it was.
pub async fn taken_name_is_refused<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let first = store.create(TestUser { badge: Some(7), ..TestUser::named("a") }).await.unwrap();
    let same_name = store.create(TestUser::named("a")).await;
    assert!(matches!(same_name, Err(UserError::AlreadyExists { column: "username" })), "{same_name:?}");
    let same_badge = store.create(TestUser { badge: Some(7), ..TestUser::named("b") }).await;
    assert!(matches!(same_badge, Err(UserError::AlreadyExists { column: "badge" })), "{same_badge:?}");
    assert_eq!(by_name(&store, "a").await, Some(first.id));
    assert_eq!(by_name(&store, "b").await, None);
    assert_eq!(count(&store).await, 1);
}

/// Any number of users may have nothing in a unique column.
pub async fn null_is_not_taken<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    for name in ["a", "b", "c"] {
        create(&store, name).await;
    }
    assert_eq!(count(&store).await, 3);
}

/// Of fifty who take a name at once, one gets it, and the others are told.
pub async fn one_of_many_who_take_a_name_gets_it<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let store = &store;
    let results = at_once((0..50).map(|_| store.create(TestUser::named("wanted")))).await;
    let (created, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    for result in refused {
        assert!(matches!(result, Err(UserError::AlreadyExists { column: "username" })), "{result:?}");
    }
    assert_eq!(count(store).await, 1);
}

/// Nobody logs in as somebody else because both gave the same address.
pub async fn shared_address_finds_nobody<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let with = |name| TestUser { email: "us@example.org".to_owned(), ..TestUser::named(name) };
    let first = store.create(with("first")).await.unwrap();
    assert_eq!(by_email(&store, "us@example.org").await, Some(first.id));
    store.create(with("second")).await.unwrap();
    assert_eq!(by_email(&store, "us@example.org").await, None);
    assert!(store.delete(&first.id).await.unwrap());
    assert!(by_email(&store, "us@example.org").await.is_some());
}

/// What one store would refuse is refused by all, by name of the column and without the value.
pub async fn misfit_is_refused_and_nothing_written<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let long = |n: usize| "ü".repeat(n);
    let misfits = [
        ("username", TestUser::named(&long(151))),
        ("username", TestUser::named(&"n".repeat(1 << 20))),
        ("username", TestUser::named("a\0b")),
        ("email", TestUser { email: long(255), ..TestUser::named("a") }),
        ("about", TestUser { about: "a\0b".to_owned(), ..TestUser::named("a") }),
        ("last_login", TestUser { last_login: Some(DateTime::<Utc>::MIN_UTC), ..TestUser::named("a") }),
        ("last_login", TestUser { last_login: Some(DateTime::<Utc>::MAX_UTC), ..TestUser::named("a") }),
        ("password", TestUser { password_hash: PasswordHash::new("secret".repeat(50)), ..TestUser::named("a") }),
    ];
    let user = create(&store, "there").await;
    for (column, misfit) in misfits {
        match store.create(misfit.clone()).await {
            Err(UserError::Invalid(error)) => {
                assert_eq!(error.column, column);
                assert!(!format!("{error} {error:?}").contains("secret"));
            }
            other => panic!("{column}: {other:?}"),
        }
        let update = store.update(&TestUser { id: user.id, ..misfit }, Some(&[column])).await;
        assert!(matches!(update, Err(UserError::Invalid(_))), "{column}: {update:?}");
    }
    let fits = store.create(TestUser { email: long(254), ..TestUser::named(&long(150)) }).await;
    assert!(fits.is_ok(), "{fits:?}");
    assert_eq!(*there(&store, user.id).await.user, user);
    assert_eq!(count(&store).await, 2);
}

/// Groups and permissions of the struct are written once, when the user is made; named twice, they are held once.
pub async fn memberships_are_written_with_a_new_user<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = TestUser {
        groups: vec![READERS.to_owned(), READERS.to_owned()],
        user_permissions: vec![WRITE.to_owned(), WRITE.to_owned()],
        ..TestUser::named("a")
    };
    let id = store.create(user).await.unwrap().id;
    let account = there(&store, id).await;
    assert_eq!(
        (&*account.user.groups, &*account.user.user_permissions),
        (&[READERS.to_owned()][..], &[WRITE.to_owned()][..])
    );
    assert!(account.permissions.has_name(READ) && account.permissions.has_name(WRITE));
    assert!(!account.permissions.has_name(ADMIN));
}

/// A user without what the caller gave is not half made.
pub async fn unknown_membership_writes_nothing<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    for (groups, permissions) in [
        (vec!["nobodies"], vec![READ]),
        (vec![READERS], vec!["suite.unknown"]),
        (vec![READERS], vec!["no name"]),
        (vec!["a\0b"], vec![]),
        (vec!["Readers"], vec![]),
    ] {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let user = TestUser { groups: owned(&groups), user_permissions: owned(&permissions), ..TestUser::named("a") };
        match store.create(user).await {
            Err(UserError::UnknownGroup(_) | UserError::UnknownPermission(_)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&store).await, 0);
    }
}

/// A stale copy of a user cannot undo a revocation.
pub async fn update_writes_columns_and_no_memberships<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    let changed = TestUser {
        id,
        email: "b@example.org".to_owned(),
        badge: Some(1),
        about: "x".to_owned(),
        groups: vec![READERS.to_owned()],
        user_permissions: vec![ADMIN.to_owned()],
        ..TestUser::named("b")
    };
    store.update(&changed, None).await.unwrap();
    let account = there(&store, id).await;
    let expected = TestUser { groups: vec![], user_permissions: vec![], ..changed };
    assert_eq!(*account.user, expected);
    assert!(account.permissions.is_empty());
    assert_eq!(by_name(&store, "a").await, None);
    assert_eq!(by_name(&store, "b").await, Some(id));
    store.update(&expected, None).await.unwrap(); // what changes nothing finds the user all the same
    create(&store, "a").await; // and the old name is free
}

/// Who saves a profile that was read before an administrator took rights away does not give them back.
pub async fn update_of_a_whole_user_writes_no_rights<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let rights: &[&str] = &["is_active", "is_superuser", "last_login"];
    let boss = TestUser { is_superuser: true, last_login: Some(moment()), ..TestUser::named("boss") };
    let stale = store.create(boss).await.unwrap();
    let fallen =
        TestUser { is_active: false, is_superuser: false, last_login: Some(moment() + TimeDelta::days(1)), ..stale };
    store.update(&fallen, Some(rights)).await.unwrap();
    let stale = TestUser { about: "x".to_owned(), is_active: true, is_superuser: true, ..fallen.clone() };
    store.update(&TestUser { last_login: None, ..stale.clone() }, None).await.unwrap();
    assert_eq!(*there(&store, fallen.id).await.user, TestUser { about: "x".to_owned(), ..fallen });
    store.update(&stale, Some(rights)).await.unwrap();
    assert_eq!(*there(&store, stale.id).await.user, stale);
}

/// Columns are named as in the database.
pub async fn update_of_some_columns_leaves_the_others<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = create(&store, "a").await;
    let changed = TestUser { email: "e".to_owned(), about: "x".to_owned(), ..user.clone() };
    store.update(&changed, Some(&["about"])).await.unwrap();
    assert_eq!(*there(&store, user.id).await.user, TestUser { about: "x".to_owned(), ..user.clone() });
    store.update(&TestUser { about: "y".to_owned(), ..user.clone() }, Some(&[])).await.unwrap();
    assert_eq!(there(&store, user.id).await.user.about, "x");
}

/// A misspelt column is not left out in silence. The key and the memberships are none that an update writes.
pub async fn update_of_an_unknown_column_is_refused<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = create(&store, "a").await;
    let changed = TestUser { about: "x".to_owned(), ..user.clone() };
    for name in ["abuot", "", "id", "groups", "user_permissions", "credential_version", "about\"; --"] {
        let result = store.update(&changed, Some(&["about", name])).await;
        assert!(matches!(result, Err(UserError::UnknownColumn(_))), "{name}: {result:?}");
    }
    assert_eq!(*there(&store, user.id).await.user, user);
}

/// An update makes no user.
pub async fn update_of_a_missing_user_is_told<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = create(&store, "a").await;
    assert!(store.delete(&user.id).await.unwrap());
    for only in [None, Some(&["about"][..]), Some(&[][..])] {
        let result = store.update(&user, only).await;
        assert!(matches!(result, Err(UserError::NotFound)), "{result:?}");
    }
    assert_eq!(count(&store).await, 0);
}

/// Neither does it take what another user has.
pub async fn update_never_takes_a_taken_name<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let first = create(&store, "first").await;
    let second = create(&store, "second").await;
    let result = store.update(&TestUser { username: "first".to_owned(), ..second.clone() }, None).await;
    assert!(matches!(result, Err(UserError::AlreadyExists { column: "username" })), "{result:?}");
    assert_eq!(by_name(&store, "first").await, Some(first.id));
    assert_eq!(by_name(&store, "second").await, Some(second.id));
}

/// Cut, not rounded; and there must be a user.
pub async fn last_login_is_noted_to_the_microsecond<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let id = create(&store, "a").await.id;
    let time = moment() + TimeDelta::nanoseconds(999);
    store.set_last_login(&id, time).await.unwrap();
    assert_eq!(there(&store, id).await.user.last_login, Some(moment()));
    let result = store.set_last_login(&-1, time).await;
    assert!(matches!(result, Err(UserError::NotFound)), "{result:?}");
}

/// The first removal says that there was a user, the next that there was none.
pub async fn deleted_user_is_gone_with_all_memberships<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user =
        TestUser { groups: vec![READERS.to_owned()], user_permissions: vec![ADMIN.to_owned()], ..TestUser::named("a") };
    let id = store.create(user).await.unwrap().id;
    assert!(store.delete(&id).await.unwrap());
    assert!(!store.delete(&id).await.unwrap());
    assert!(find(&store, id).await.is_none());
    assert_eq!(by_name(&store, "a").await, None);
    assert!(store.with_permission(ADMIN, Page::first(10)).await.unwrap().is_empty());
}

/// Page by page, each user once.
pub async fn list_is_in_the_order_of_keys<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let mut ids = Vec::new();
    for i in 0..7 {
        ids.push(create(&store, &format!("user {}", 7 - i)).await.id);
    }
    ids.sort_unstable();
    let (mut page, mut seen) = (Page::first(3), Vec::new());
    loop {
        let users = store.list(page).await.unwrap();
        if users.is_empty() {
            break;
        }
        assert!(users.len() <= 3);
        seen.extend(users.iter().map(|user| user.id));
        page = page.next();
    }
    assert_eq!(seen, ids);
    let far = Page { offset: u64::MAX, limit: u64::MAX };
    assert!(store.list(far).await.unwrap().is_empty());
    assert!(store.list(Page::first(0)).await.unwrap().is_empty());
}
