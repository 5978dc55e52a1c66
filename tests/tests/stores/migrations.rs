//! `migrate` applies the difference and nothing else.

use auth::accounts::migrate;
use auth::database::Database;
use auth::testing::TestUser;
use auth::users::{DatabaseUserStore, GroupStore as _, UserLookup, UserStore as _};
use auth_tests::{Keyed, PATIENCE, TestDatabase};

on_every_database! {
    the_second_time_nothing_is_done,
    eight_servers_may_start_at_once,
    a_new_field_becomes_a_new_column,
    a_foreign_column_is_left_alone,
    what_was_taken_away_by_hand_stays_away,
    titles_are_brought_up_to_date,
    two_user_tables_share_groups_and_permissions,
    a_dropped_migration_leaves_no_lock,
}

async fn the_second_time_nothing_is_done(test: TestDatabase) {
    let first = migrate::<TestUser>(&test.database).await.unwrap();
    for change in [
        "create table test_user",
        "create table test_user_groups",
        "create table auth_session",
        "create table auth_record",
        "create permission suite.read",
        "create group readers",
        "grant suite.read to group readers",
    ] {
        assert!(first.changes.iter().any(|done| done == change), "{change}: {first:?}");
    }
    let second = migrate::<TestUser>(&test.database).await.unwrap();
    assert!(second.is_empty(), "{second:?}");
}

async fn eight_servers_may_start_at_once(test: TestDatabase) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = test.url.clone();
        tasks.spawn(async move {
            let database = Database::connect(url.as_str()).await.unwrap();
            migrate::<TestUser>(&database).await
        });
    }
    let mut done: Vec<_> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
    done.retain(|migrated| !migrated.is_empty());
    assert_eq!(done.len(), 1, "{done:?}");
}

async fn a_new_field_becomes_a_new_column(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    migrate::<Keyed<i64>>(&test.database).await.unwrap();
    let users = DatabaseUserStore::<TestUser>::new(test.database.clone());
    let keyed = DatabaseUserStore::<Keyed<i64>>::new(test.database.clone());
    for name in ["a", "b"] {
        users.create(TestUser::named(name)).await.unwrap();
        keyed.create(Keyed::new(0, name)).await.unwrap();
    }
    // As if the fields had not been there the first time.
    let order = test.quote("order");
    let fields = ["int", "big", "double", "group", "text", "bytes", "uuid", "time", "date", "json"];
    for field in fields {
        test.sql(&format!("ALTER TABLE {order} DROP COLUMN {}", test.quote(field))).await;
    }
    match test.database {
        Database::MySql(_) => test.sql("ALTER TABLE test_user DROP INDEX test_user_badge_key").await,
        _ => test.sql("DROP INDEX test_user_badge_key").await,
    };
    test.sql("ALTER TABLE test_user DROP COLUMN badge").await;
    test.sql("ALTER TABLE test_user DROP COLUMN about").await;

    let changes = migrate::<Keyed<i64>>(&test.database).await.unwrap().changes;
    let expected: Vec<_> = fields.iter().map(|field| format!("add column order.{field}")).collect();
    assert_eq!(changes, expected);
    let found = keyed.find(UserLookup::Username("a")).await.unwrap().unwrap();
    assert_eq!(*found.user, Keyed::new(found.user.key, "a"));

    let changes = migrate::<TestUser>(&test.database).await.unwrap().changes;
    assert_eq!(changes, ["add column test_user.badge", "add column test_user.about"]);
    let found = users.find(UserLookup::Username("a")).await.unwrap().unwrap();
    assert_eq!(*found.user, TestUser { id: found.user.id, ..TestUser::named("a") });
    // And what was unique is unique again.
    let with_badge = |name| TestUser { badge: Some(1), ..TestUser::named(name) };
    users.create(with_badge("c")).await.unwrap();
    assert!(users.create(with_badge("d")).await.is_err());
    assert!(migrate::<TestUser>(&test.database).await.unwrap().is_empty());
    assert!(migrate::<Keyed<i64>>(&test.database).await.unwrap().is_empty());
}

async fn a_foreign_column_is_left_alone(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    test.sql("ALTER TABLE test_user ADD COLUMN legacy integer").await;
    assert!(migrate::<TestUser>(&test.database).await.unwrap().is_empty());
    let users = DatabaseUserStore::<TestUser>::new(test.database.clone());
    users.create(TestUser::named("a")).await.unwrap();
    assert_eq!(test.sql("UPDATE test_user SET legacy = 1 WHERE legacy IS NULL").await, 1);
}

async fn what_was_taken_away_by_hand_stays_away(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    let store = DatabaseUserStore::<TestUser>::new(test.database.clone());
    assert!(store.revoke_from_group("readers", "suite.read").await.unwrap());
    assert!(store.grant_to_group("readers", "suite.write").await.unwrap());
    assert!(migrate::<TestUser>(&test.database).await.unwrap().is_empty());
    assert_eq!(store.groups().await.unwrap()[0].permissions, ["suite.write"]);

    assert!(store.delete_group("readers").await.unwrap());
    assert!(migrate::<TestUser>(&test.database).await.unwrap().is_empty());
    assert!(store.groups().await.unwrap().is_empty());
}

async fn titles_are_brought_up_to_date(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    test.sql("UPDATE auth_permission SET name = 'old' WHERE codename = 'read'").await;
    test.sql("UPDATE auth_group SET title = 'old'").await;
    let changes = migrate::<TestUser>(&test.database).await.unwrap().changes;
    assert_eq!(changes, ["retitle permission suite.read", "retitle group readers"]);
    let store = DatabaseUserStore::<TestUser>::new(test.database.clone());
    assert_eq!(store.groups().await.unwrap()[0].title, "Readers");
}

async fn two_user_tables_share_groups_and_permissions(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    let changes = migrate::<Keyed<i64>>(&test.database).await.unwrap().changes;
    let tables = ["order", "order_groups", "order_user_permissions"];
    assert_eq!(changes, tables.map(|table| format!("create table {table}")));
}

/// A start that is interrupted must not hold up the next one.
async fn a_dropped_migration_leaves_no_lock(test: TestDatabase) {
    for milliseconds in [0, 1, 3, 10] {
        let limit = std::time::Duration::from_millis(milliseconds);
        _ = tokio::time::timeout(limit, migrate::<TestUser>(&test.database)).await;
    }
    tokio::time::timeout(PATIENCE, migrate::<TestUser>(&test.database)).await.unwrap().unwrap();
    assert!(migrate::<TestUser>(&test.database).await.unwrap().is_empty());
}
