//! What is written on one database reads the same on every other, and what one refuses all refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::accounts::migrate;
use auth::clock::SystemClock;
use auth::database::{Database, DatabaseError};
use auth::registry::Context;
use auth::secret::SecretKey;
use auth::testing::TestUser;
use auth::users::{
    DatabaseUserStore, GroupStore as _, InMemoryUserStore, Page, PrimaryKey, UserError, UserLookup, UserStore,
};
use auth_tests::{Keyed, TestDatabase};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

on_every_database! {
    every_kind_of_field_comes_back,
    keys_of_every_type_work,
    text_keys_are_listed_by_bytes,
    moments_and_numbers_that_do_not_fit_are_refused,
    integers_are_read_from_wider_and_narrower_columns,
    damaged_rows_are_errors_of_their_columns,
    long_lists_of_permissions_are_not_cut,
    fifty_tasks_make_one_user,
    a_missing_table_is_told_and_no_value_is,
}

async fn store<K: PrimaryKey>(test: &TestDatabase) -> DatabaseUserStore<Keyed<K>> {
    migrate::<Keyed<K>>(&test.database).await.expect("the tables can be made");
    DatabaseUserStore::new(test.database.clone())
}

async fn read<K: PrimaryKey>(store: &impl UserStore<Keyed<K>>, key: &K) -> Keyed<K> {
    let found = store.find(UserLookup::Id(key)).await.expect("the store works");
    (*found.expect("the user is there").user).clone()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("that is a moment")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("that is a day")
}

/// The least, the greatest, and what is likely to be mangled.
fn extremes() -> Vec<Keyed<i64>> {
    let document = |value| BTreeMap::from([("a \"quoted\" 🦀 key".to_owned(), value)]);
    vec![
        Keyed::new(0, "small"),
        Keyed {
            tiny: i8::MIN,
            small: i16::MIN,
            int: i32::MIN,
            big: i64::MIN,
            single: f32::MIN,
            double: f64::MIN,
            time: time("1000-01-01T00:00:00Z"),
            date: Some(date("1000-01-01")),
            text: Some(String::new()),
            uuid: Some(Uuid::nil()),
            json: document(json!(null)),
            ..Keyed::new(0, "least")
        },
        Keyed {
            tiny: i8::MAX,
            small: i16::MAX,
            int: i32::MAX,
            octet: u8::MAX,
            word: u16::MAX,
            long_word: u32::MAX,
            big: i64::MAX,
            single: f32::MAX,
            double: f64::MAX,
            flag: true,
            time: time("9999-12-31T23:59:59.999999Z"),
            date: Some(date("9999-12-31")),
            text: Some("🦀\u{10ffff}".repeat(100_000)),
            bytes: (0..=255).collect::<Vec<u8>>().repeat(4096),
            uuid: Some(Uuid::max()),
            json: document(json!({"x": [1, 2.5, -3, true, "\u{1f}\\\"'", {}, []], "": i64::MAX})),
            ..Keyed::new(0, "greatest")
        },
        Keyed {
            single: f32::MIN_POSITIVE,
            double: 0.1 + 0.2,
            time: time("2024-02-29T23:59:59.000001Z"),
            date: Some(date("2024-02-29")),
            text: Some(" \t\r\n'\"`\\%_\u{1}\u{7f}\u{feff} ".to_owned()),
            bytes: vec![0, 255, 0],
            json: document(json!(1e-7)),
            ..Keyed::new(0, " mangled ")
        },
    ]
}

async fn every_kind_of_field_comes_back(test: TestDatabase) {
    let stores = (store::<i64>(&test).await, InMemoryUserStore::new());
    for user in extremes() {
        let created = stores.0.create(user.clone()).await;
        let created = created.unwrap_or_else(|error| panic!("{}: {error:?}", user.name));
        let expected = Keyed { key: created.key, ..user };
        assert!(read(&stores.0, &created.key).await == expected, "{}", expected.name);
        stores.0.update(&expected, None).await.unwrap();
        assert!(read(&stores.0, &created.key).await == expected, "{} updated", expected.name);
        let remembered = stores.1.create(expected.clone()).await.unwrap();
        assert!(read(&stores.1, &remembered.key).await == remembered, "{} in memory", expected.name);
    }
}

async fn keys_of_every_type_work(test: TestDatabase) {
    async fn given<K: PrimaryKey + Default>(test: &TestDatabase) {
        // Opened again, because PostgreSQL does not like a prepared statement's table to change.
        let database = Database::connect(test.url.as_str()).await.unwrap();
        migrate::<Keyed<K>>(&database).await.unwrap();
        let store = DatabaseUserStore::<Keyed<K>>::new(database);
        let [first, second] = ["a", "b"].map(|name| store.create(Keyed::new(K::default(), name)));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert!(!first.key.is_nil() && first.key != second.key);
        assert_eq!(read(&store, &second.key).await, second);
        assert!(store.delete(&first.key).await.unwrap());
        assert!(store.grant(&second.key, "suite.read").await.unwrap());
        drop_tables(test).await;
    }
    given::<i32>(&test).await;
    given::<i64>(&test).await;
    given::<Uuid>(&test).await;

    let store = store::<String>(&test).await;
    let nil = store.create(Keyed::new(String::new(), "nil")).await;
    assert!(matches!(nil, Err(UserError::Invalid(_))), "{nil:?}");
    let long = store.create(Keyed::new("ü".repeat(256), "long")).await;
    assert!(matches!(long, Err(UserError::Invalid(_))), "{long:?}");
    let key = "ключ 🔑 'x\"`".to_owned();
    let user = store.create(Keyed::new(key.clone(), "a")).await.unwrap();
    assert_eq!(read(&store, &key).await, user);
    let again = store.create(Keyed::new(key.clone(), "b")).await;
    assert!(matches!(again, Err(UserError::AlreadyExists { column: "key" })), "{again:?}");
    assert!(store.add_to_group(&key, "readers").await.unwrap());
    let nul = "a\0b".to_owned();
    assert!(store.find(UserLookup::Id(&nul)).await.unwrap().is_none());
    assert!(!store.delete(&nul).await.unwrap());
    assert!(matches!(store.grant(&nul, "suite.read").await, Err(UserError::NotFound)));
    assert!(matches!(store.update(&Keyed::new(nul, "a"), None).await, Err(UserError::NotFound)));
}

async fn drop_tables(test: &TestDatabase) {
    for table in ["order_groups", "order_user_permissions", "order"] {
        test.sql(&format!("DROP TABLE {}", test.quote(table))).await;
    }
}

async fn text_keys_are_listed_by_bytes(test: TestDatabase) {
    let store = store::<String>(&test).await;
    let memory = InMemoryUserStore::new();
    let mut keys: Vec<_> =
        ["b", "B", "a", "A", "a ", "a-b", "ab", "_", "ä", "z", "Z", "é", "e\u{301}", "🦀", "ﬀ", "1", "10", "2"]
            .map(str::to_owned)
            .into();
    for (i, key) in keys.iter().enumerate() {
        let user = Keyed::new(key.clone(), &i.to_string());
        store.create(user.clone()).await.unwrap();
        memory.create(user).await.unwrap();
    }
    keys.sort();
    let listed = |users: Vec<Keyed<String>>| users.into_iter().map(|u| u.key).collect::<Vec<_>>();
    assert_eq!(listed(store.list(Page::first(100)).await.unwrap()), keys);
    assert_eq!(listed(memory.list(Page::first(100)).await.unwrap()), keys);
}

async fn moments_and_numbers_that_do_not_fit_are_refused(test: TestDatabase) {
    let store = store::<i64>(&test).await;
    let user = || Keyed::new(0, "a");
    let misfits = [
        ("time", Keyed { time: time("0999-12-31T23:59:59Z"), ..user() }),
        ("time", Keyed { time: DateTime::<Utc>::MAX_UTC, ..user() }),
        ("date", Keyed { date: Some(date("0999-12-31")), ..user() }),
        ("date", Keyed { date: Some(NaiveDate::MAX), ..user() }),
        ("double", Keyed { double: f64::NAN, ..user() }),
        ("double", Keyed { double: f64::INFINITY, ..user() }),
        ("single", Keyed { single: f32::NEG_INFINITY, ..user() }),
        ("text", Keyed { text: Some("a\0".to_owned()), ..user() }),
    ];
    for (column, misfit) in misfits {
        match store.create(misfit).await {
            Err(UserError::Invalid(error)) => assert_eq!(error.column, column),
            other => panic!("{column}: {other:?}"),
        }
    }
    let precise = Keyed { time: time("2024-01-01T00:00:00.123456999Z"), ..user() };
    let key = store.create(precise.clone()).await.unwrap().key;
    let cut = precise.time - TimeDelta::nanoseconds(999);
    assert_eq!(read(&store, &key).await.time, cut);
}

/// A table that another program made may have other widths.
async fn integers_are_read_from_wider_and_narrower_columns(test: TestDatabase) {
    let store = store::<i64>(&test).await;
    let key = store.create(Keyed { big: 7, int: -7, ..Keyed::new(0, "a") }).await.unwrap().key;
    let (order, big, int) = (test.quote("order"), test.quote("big"), test.quote("int"));
    match test.database {
        Database::Postgres(_) => {
            test.sql(&format!("ALTER TABLE {order} ALTER {big} TYPE smallint, ALTER {int} TYPE bigint")).await;
        }
        Database::MySql(_) => {
            test.sql(&format!("ALTER TABLE {order} MODIFY {big} smallint NOT NULL, MODIFY {int} bigint NOT NULL"))
                .await;
        }
        _ => {}
    }
    let user = read(&store, &key).await;
    assert_eq!((user.big, user.int), (7, -7));
    test.sql(&format!("UPDATE {order} SET {int} = 2147483648")).await;
    match store.find(UserLookup::Id(&key)).await {
        Err(UserError::Invalid(error)) => {
            assert_eq!(error.column, "int");
            assert!(!format!("{error:?} {error}").contains("2147483648"));
        }
        other => panic!("{other:?}"),
    }
}

async fn damaged_rows_are_errors_of_their_columns(test: TestDatabase) {
    let damages: &[(&str, &str)] = match test.database {
        Database::Sqlite(_) => &[
            ("int", "'GARBAGE'"),
            ("tiny", "300"),
            ("octet", "-1"),
            ("double", "'GARBAGE'"),
            ("group", "2"),
            ("group", "'GARBAGE'"),
            ("text", "x'ff47415242414745'"),
            ("text", "CAST(x'ff4741524241474500' AS text)"),
            ("bytes", "1"),
            ("uuid", "x'4741524241474500'"),
            ("uuid", "'GARBAGE'"),
            ("time", "'GARBAGE'"),
            ("time", "1e300"),
            ("time", "9223372036854775807"),
            ("date", "'GARBAGE'"),
            ("json", "'GARBAGE'"),
            ("json", "'[1]'"),
            ("json", "x'00'"),
        ],
        Database::Postgres(_) => &[
            ("tiny", "300"),
            ("octet", "-1"),
            ("long_word", "-1"),
            ("time", "'infinity'"),
            ("time", "'-infinity'"),
            ("time", "'294276-12-31'"),
            ("date", "'infinity'"),
            ("date", "'-infinity'"),
            ("json", "'[1]'"),
        ],
        _ => &[("tiny", "300"), ("octet", "-1"), ("group", "2"), ("uuid", "x'0000'"), ("json", "'[1]'")],
    };
    let store = store::<i64>(&test).await;
    let key = store.create(Keyed::new(0, "a")).await.unwrap().key;
    let order = test.quote("order");
    if let Database::MySql(_) = test.database {
        test.sql(&format!("ALTER TABLE {order} MODIFY `uuid` varbinary(16)")).await;
    }
    for &(column, damage) in damages {
        let quoted = test.quote(column);
        test.sql(&format!("UPDATE {order} SET {quoted} = {damage}")).await;
        match store.find(UserLookup::Id(&key)).await {
            Err(UserError::Invalid(error)) => {
                let told = format!("{error} {error:?}");
                assert_eq!(error.column, column, "{told}");
                assert!(!told.contains("GARBAGE") && !told.contains("300"), "{told}");
            }
            other => panic!("{column} = {damage}: {other:?}"),
        }
        assert!(store.list(Page::first(10)).await.is_err());
        // What can be written whole is whole again.
        store.update(&Keyed::new(key, "a"), None).await.unwrap();
        assert_eq!(read(&store, &key).await, Keyed::new(key, "a"));
    }
}

/// MySQL cuts such a list at 1024 bytes unless it is told otherwise.
async fn long_lists_of_permissions_are_not_cut(test: TestDatabase) {
    let store = store::<i64>(&test).await;
    let key = store.create(Keyed::new(0, "a")).await.unwrap().key;
    store.create_group("many", "").await.unwrap();
    store.add_to_group(&key, "many").await.unwrap();
    let rows: Vec<_> = (0..2000).map(|i| format!("('foreign', 'permission_number_{i:04}', 'x')")).collect();
    let rows = rows.join(", ");
    test.sql(&format!("INSERT INTO auth_permission (app_label, codename, name) VALUES {rows}")).await;
    test.sql("INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE g.name = 'many' AND p.app_label = 'foreign'").await;
    let account = store.find(UserLookup::Id(&key)).await.unwrap().unwrap();
    assert_eq!(account.permissions.names().count(), 2000);
    assert!(account.permissions.has_name("foreign.permission_number_1999"));
    let group = store.groups().await.unwrap().into_iter().find(|group| group.name == "many");
    assert_eq!(group.unwrap().permissions.len(), 2000);
}

async fn fifty_tasks_make_one_user(test: TestDatabase) {
    migrate::<TestUser>(&test.database).await.unwrap();
    let store = DatabaseUserStore::<TestUser>::new(test.database.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let groups = vec!["readers".to_owned()];
            let user = TestUser { groups, badge: Some(i), ..TestUser::named("wanted") };
            store.create(user).await
        });
    }
    let results = tasks.join_all().await;
    let (created, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    for error in refused {
        assert!(matches!(error, Err(UserError::AlreadyExists { column: "username" })), "{error:?}");
    }
    assert_eq!(store.list(Page::first(100)).await.unwrap().len(), 1);
}

async fn a_missing_table_is_told_and_no_value_is(test: TestDatabase) {
    let store = DatabaseUserStore::<TestUser>::new(test.database.clone());
    let error = store.create(TestUser::named("hunter2")).await.unwrap_err();
    let told = whole(&error);
    assert!(told.contains("test_user"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

/// An error and its causes, in both ways of showing them.
fn whole(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_address_that_nothing_serves_is_told_by_its_scheme() {
    let error = Database::connect("oracle://me:hunter2@host/x").await.unwrap_err();
    assert!(matches!(error, DatabaseError::UnknownScheme(_)));
    let context = Context::new(Arc::new(SystemClock), SecretKey::random());
    for address in [
        "oracle://me:hunter2@host/x",
        "postgres://me:hunter2@127.0.0.1:1/x",
        "mysql://me:hunter2@127.0.0.1:1/x",
        "sqlite:/hunter2/no/such/directory/x.db",
        "postgres://me:hunter2@127.0.0.1:notaport/x",
        "postgres://me:hunter2@[/x",
        "postgres://me@host/x?sslmode=hunter2",
        "mysql://me@127.0.0.1:1/x?ssl-mode=hunter2",
        "sqlite::memory:?hunter2=1",
        "sqlite:x.db?mode=hunter2",
        "hunter2@host/x",
        "hunter2@host:5432/x",
        "my hunter2 has a colon: here",
    ] {
        let error = Database::connect(address).await.unwrap_err();
        assert!(!whole(&error).contains("hunter2"), "{}", whole(&error));
        let error = auth::sessions::connect(&address.into(), &context).await.unwrap_err();
        assert!(!whole(&error).contains("hunter2"), "{}", whole(&error));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = std::env::temp_dir().join(format!("auth-test-{}", Uuid::new_v4().simple()));
    std::fs::create_dir(&directory).unwrap();
    let mode = |name: &str| std::fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    let url = |name: &str| format!("sqlite:{}?mode=rwc", directory.join(name).display());

    let database = Database::connect(url("a%20b.db").as_str()).await.unwrap();
    migrate::<TestUser>(&database).await.unwrap();
    for name in ["a b.db", "a b.db-wal", "a b.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // One that is there is left as it is.
    std::fs::write(directory.join("there.db"), "").unwrap();
    std::fs::set_permissions(directory.join("there.db"), std::fs::Permissions::from_mode(0o640)).unwrap();
    Database::connect(url("there.db").as_str()).await.unwrap();
    assert_eq!(mode("there.db"), 0o640);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_database_in_memory_serves_many_tasks_and_no_other_database() {
    let (one, other) = (auth_tests::sqlite_in_memory().await, auth_tests::sqlite_in_memory().await);
    migrate::<TestUser>(&one.database).await.unwrap();
    let store = DatabaseUserStore::<TestUser>::new(one.database.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.create(TestUser::named(&i.to_string())).await.is_ok() });
    }
    assert!(tasks.join_all().await.into_iter().all(|created| created));
    let elsewhere = DatabaseUserStore::<TestUser>::new(other.database.clone());
    assert!(elsewhere.list(Page::first(1)).await.is_err(), "it has no tables");
}
