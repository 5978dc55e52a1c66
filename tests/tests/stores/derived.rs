//! What `#[derive(User)]` says of a field is so in a database.

use std::sync::Arc;

use auth::accounts::migrate;
use auth::prelude::*;
use auth::users::{DatabaseUserStore, Extra, UserError, UserLookup, UserManager, UserStore};
use auth_tests::TestDatabase;
use serde::{Deserialize, Serialize};

on_every_database! {
    a_document_has_a_default_in_new_users_and_in_new_columns,
    a_unique_column_is_given_or_an_option,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Look {
    theme: String,
}

impl Default for Look {
    fn default() -> Self {
        Self { theme: "light".to_owned() }
    }
}

#[derive(User, Clone, Debug)]
struct Writer {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    #[user(json)]
    links: Vec<String>,
    #[user(json)]
    look: Look,
    #[user(json)]
    note: Option<String>,
}

async fn read(store: &impl UserStore<Writer>) -> (Vec<String>, Look, Option<String>) {
    let account = store.find(UserLookup::Username("ann")).await.unwrap().unwrap();
    let Writer { links, look, note, .. } = Writer::clone(&account.user);
    (links, look, note)
}

async fn a_document_has_a_default_in_new_users_and_in_new_columns(test: TestDatabase) {
    let nothing = (Vec::new(), Look::default(), None);
    migrate::<Writer>(&test.database).await.unwrap();
    let store = DatabaseUserStore::<Writer>::new(test.database.clone());
    let users = UserManager::over(Arc::new(store.clone()));
    users.create_user("ann", None, Extra::new()).await.unwrap();
    assert_eq!(read(&store).await, nothing);

    for column in ["links", "look", "note"] {
        test.sql(&format!("ALTER TABLE writer DROP COLUMN {column}")).await;
    }
    let changes = migrate::<Writer>(&test.database).await.unwrap().changes;
    assert_eq!(changes, ["add column writer.links", "add column writer.look", "add column writer.note"]);
    assert_eq!(read(&store).await, nothing);

    let mut ann = users.get_by_username("ann").await.unwrap().unwrap();
    (ann.links, ann.look.theme) = (vec!["a".to_owned()], "dark".to_owned());
    users.update(&ann).await.unwrap();
    assert_eq!(read(&store).await, (ann.links, ann.look, None));

    // What was written and does not fit is no default.
    test.sql("UPDATE writer SET look = '[]'").await;
    let damaged = store.find(UserLookup::Username("ann")).await;
    assert!(matches!(damaged, Err(UserError::Invalid(_))), "{damaged:?}");
}

#[derive(User, Clone, Debug)]
struct Member {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    #[user(unique, editable, column = "member_code")]
    code: String,
    #[user(unique)]
    badge: Option<String>,
}

async fn a_unique_column_is_given_or_an_option(test: TestDatabase) {
    migrate::<Member>(&test.database).await.unwrap();
    let in_database = UserManager::over(Arc::new(DatabaseUserStore::<Member>::new(test.database.clone())));
    for users in [in_database, UserManager::in_memory()] {
        let without = users.create_user("a", None, Extra::new()).await;
        match without {
            Err(UserError::Invalid(error)) => assert_eq!(error.to_string(), "column `member_code`: must be given"),
            other => panic!("{other:?}"),
        }
        for name in ["a", "b"] {
            let extra = Extra::from([("member_code".to_owned(), name.into())]);
            let user = users.create_user(name, None, extra).await.unwrap();
            assert_eq!((user.code.as_str(), user.badge), (name, None));
        }
        let by_field = Extra::from([("code".to_owned(), "c".into()), ("member_code".to_owned(), "c".into())]);
        let by_field = users.create_user("c", None, by_field).await;
        assert!(matches!(by_field, Err(UserError::UnknownColumn(_))), "{by_field:?}");
    }
}
