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

use chrono::{DateTime, TimeDelta, Utc};

use super::{TestUser, at_once};
use crate::passwords::PasswordHash;
use crate::users::{Account, Group, Page, PasswordChange, UserError, UserLookup, UserStore};

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

/// Who saves a profile that was read before a password change keeps the new password.
pub async fn stale_copy_does_not_undo_a_password_change<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let old = PasswordHash::new("old");
    let id = store.create(TestUser { password_hash: old, ..TestUser::named("a") }).await.unwrap().id;
    let stale = there(&store, id).await.user;
    let new = PasswordHash::new("new");
    assert!(store.set_password_hash(&id, &new, PasswordChange::NewPassword).await.unwrap());
    let credential = there(&store, id).await.credential;
    for only in [None, Some(&["password"][..])] {
        store.update(&stale, only).await.unwrap();
        let account = there(&store, id).await;
        assert!(account.user.password_hash == new && account.credential == credential);
    }
}

/// Neither does who saves what `create` gave back; a password set on it is a new one.
pub async fn created_copy_does_not_undo_a_password_change<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = TestUser { password_hash: PasswordHash::new("old"), ..TestUser::named("a") };
    let mut made = store.create(user).await.unwrap();
    assert!(!made.password_hash.is_changed());
    let new = PasswordHash::new("new");
    assert!(store.set_password_hash(&made.id, &new, PasswordChange::NewPassword).await.unwrap());
    let credential = there(&store, made.id).await.credential;
    for only in [None, Some(&["password"][..])] {
        store.update(&made, only).await.unwrap();
        let account = there(&store, made.id).await;
        assert!(account.user.password_hash == new && account.credential == credential);
    }
    made.password_hash = PasswordHash::new("newer");
    store.update(&made, None).await.unwrap();
    let account = there(&store, made.id).await;
    assert!(account.user.password_hash == made.password_hash && account.credential != credential);
}

/// Sessions are tied to it, so they end; writing the same hash again ends none.
pub async fn changed_password_renews_the_credential_version<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let mut user = create(&store, "a").await;
    let before = there(&store, user.id).await.credential;
    user.password_hash = PasswordHash::new("new");
    store.update(&user, None).await.unwrap();
    let first = there(&store, user.id).await;
    assert!(first.credential != before && first.user.password_hash == user.password_hash);
    store.update(&user, None).await.unwrap();
    assert_eq!(there(&store, user.id).await.credential, first.credential);
    "x".clone_into(&mut user.about);
    store.update(&user, Some(&["about"])).await.unwrap();
    assert_eq!(there(&store, user.id).await.credential, first.credential);

    let newer = PasswordHash::new("newer");
    assert!(store.set_password_hash(&user.id, &newer, PasswordChange::NewPassword).await.unwrap());
    let second = there(&store, user.id).await;
    assert!(second.credential != first.credential && second.user.password_hash == newer);
    // The same password chosen again: who asks for new sessions gets them.
    assert!(store.set_password_hash(&user.id, &newer, PasswordChange::NewPassword).await.unwrap());
    assert_ne!(there(&store, user.id).await.credential, second.credential);
    assert!(!store.set_password_hash(&-1, &newer, PasswordChange::NewPassword).await.unwrap());
}

/// Who is disabled and enabled again logs in again; what changes nothing ends nothing.
pub async fn disabled_user_is_logged_out_for_good<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let mut user = create(&store, "a").await;
    let mut versions = vec![there(&store, user.id).await.credential];
    for is_active in [false, true] {
        user.is_active = is_active;
        for _ in 0..2 {
            store.update(&user, Some(&["about", "is_active"])).await.unwrap();
            let account = there(&store, user.id).await;
            assert_eq!(account.user.is_active, is_active);
            versions.push(account.credential);
        }
    }
    assert!(versions[0] != versions[1] && versions[1] == versions[2]);
    assert!(versions[2] != versions[3] && versions[0] != versions[3] && versions[3] == versions[4]);

    (user.is_active, user.password_hash) = (false, PasswordHash::new("new"));
    store.update(&user, Some(&["is_active", "password"])).await.unwrap();
    let account = there(&store, user.id).await;
    assert!(account.credential != versions[4] && account.user.password_hash == user.password_hash);
}

/// A login that improves the hash ends no session, and comes too late after a password change.
pub async fn rehash_keeps_the_credential_version_and_overtakes_nothing<S: UserStore<TestUser>, K>(
    (store, _keep): (S, K),
) {
    let [old, better, new] = ["old", "better", "new"].map(PasswordHash::new);
    let user = TestUser { password_hash: old.clone(), ..TestUser::named("a") };
    let id = store.create(user).await.unwrap().id;
    let credential = there(&store, id).await.credential;
    assert!(store.set_password_hash(&id, &better, PasswordChange::Rehash(&old)).await.unwrap());
    let account = there(&store, id).await;
    assert!(account.credential == credential && account.user.password_hash == better);

    assert!(store.set_password_hash(&id, &new, PasswordChange::NewPassword).await.unwrap());
    assert!(!store.set_password_hash(&id, &old, PasswordChange::Rehash(&better)).await.unwrap());
    assert!(there(&store, id).await.user.password_hash == new);
    assert!(!store.set_password_hash(&-1, &new, PasswordChange::Rehash(&old)).await.unwrap());
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
