//! What `#[derive(User)]` says of a field is so in a database.

use std::sync::Arc;

use auth::accounts::migrate;
use auth::prelude::*;
use auth::users::{DatabaseUserStore, Extra, UserLookup, UserManager, UserStore};
use auth_tests::TestDatabase;
use serde::{Deserialize, Serialize};

on_every_database! {
    a_document_has_a_default_in_new_users_and_in_new_columns,
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
