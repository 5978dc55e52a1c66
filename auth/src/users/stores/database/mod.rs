//! Users, groups and permissions in SQLite, PostgreSQL, MySQL and MariaDB.

mod groups;
mod layout;
pub(crate) mod migrate;
mod read;
mod write;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::layout::{Join, Layout};
use self::read::Queries;
use crate::BoxFuture;
use crate::database::{Database, DatabaseError};
use crate::passwords::PasswordHash;
use crate::users::{Account, Group, GroupStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore};

/// Keeps users in a database, in tables like Django's.
///
/// The user's own table has the columns of the struct and one of the framework's, `credential_version`. Groups and
/// permissions stand in `auth_group`, `auth_permission` and the joins; `auth::accounts::migrate` makes all of them.
///
/// Names, keys and texts are compared by bytes on every database, moments are cut to microseconds, and what one
/// database would refuse is refused for all of them before it is sent.
pub struct DatabaseUserStore<U> {
    database: Database,
    layout: Layout,
    queries: Arc<Queries>,
    user: PhantomData<fn() -> U>,
}

impl<U: UserModel> DatabaseUserStore<U> {
    /// The users in that database.
    pub fn new(database: Database) -> Self {
        let layout = Layout::of::<U>();
        let queries = Arc::new(Queries::new::<U>(&database, &layout));
        Self { database, layout, queries, user: PhantomData }
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl<U> Clone for DatabaseUserStore<U> {
    fn clone(&self) -> Self {
        Self { database: self.database.clone(), layout: self.layout, queries: self.queries.clone(), user: PhantomData }
    }
}

impl<U: UserModel> fmt::Debug for DatabaseUserStore<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseUserStore").field("table", &U::TABLE).finish_non_exhaustive()
    }
}

impl From<DatabaseError> for UserError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Column(error) => Self::Invalid(error),
            error => Self::Store(Box::new(error)),
        }
    }
}

impl<U: UserModel> GroupStore for DatabaseUserStore<U> {
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>> {
        Box::pin(groups::all(&self.database))
    }

    fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(groups::create(&self.database, name, title))
    }

    fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(groups::delete(&self.database, name))
    }

    fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(groups::grant(&self.database, group, permission))
    }

    fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(groups::revoke(&self.database, group, permission))
    }
}

impl<U: UserModel> UserStore<U> for DatabaseUserStore<U> {
    fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        Box::pin(self.read_one(by))
    }

    fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>> {
        Box::pin(self.insert(user))
    }

    fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(self.write_columns(user, only))
    }

    fn set_password_hash<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        hash: &'a PasswordHash,
        change: PasswordChange<'a>,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.write_password(id, hash, change))
    }

    fn set_last_login<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        time: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(self.write_last_login(id, time))
    }

    fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.remove(id))
    }

    fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>> {
        Box::pin(self.read_many(page, None))
    }

    fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>> {
        Box::pin(self.read_many(page, Some(permission)))
    }

    fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.link(id, Join::Permissions, permission))
    }

    fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.unlink(id, Join::Permissions, permission))
    }

    fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.link(id, Join::Groups, group))
    }

    fn remove_from_group<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(self.unlink(id, Join::Groups, group))
    }
}
