//! Users in this process: for tests and prototypes.

mod state;

use std::fmt;
use std::future::ready;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use self::state::State;
use crate::BoxFuture;
use crate::passwords::PasswordHash;
use crate::users::{Account, Group, GroupStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore};

/// Keeps users in this process: for tests and prototypes.
///
/// It knows the permissions that are declared, and has the groups that are declared from the start. It refuses what a
/// database would refuse, and what it gives back is what a database would give back: moments are cut to microseconds,
/// fields that are no columns have their defaults.
pub struct InMemoryUserStore<U: UserModel> {
    state: RwLock<State<U>>,
}

impl<U: UserModel> InMemoryUserStore<U> {
    /// A store without users.
    pub fn new() -> Self {
        Self { state: RwLock::new(State::new()) }
    }

    // No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn read(&self) -> RwLockReadGuard<'_, State<U>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<U>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<U: UserModel> Default for InMemoryUserStore<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: UserModel> fmt::Debug for InMemoryUserStore<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryUserStore").finish_non_exhaustive()
    }
}

impl<U: UserModel> GroupStore for InMemoryUserStore<U> {
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>> {
        Box::pin(ready(Ok(self.read().groups())))
    }

    fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(ready(self.write().create_group(name, title)))
    }

    fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().delete_group(name)))
    }

    fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_group(group, permission, true)))
    }

    fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_group(group, permission, false)))
    }
}

impl<U: UserModel> UserStore<U> for InMemoryUserStore<U> {
    fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        Box::pin(ready(Ok(self.read().find(by))))
    }

    fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>> {
        Box::pin(ready(self.write().create(user)))
    }

    fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(ready(self.write().update(user, only)))
    }

    fn set_password_hash<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        hash: &'a PasswordHash,
        change: PasswordChange<'a>,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().set_password_hash(id, hash, change)))
    }

    fn set_last_login<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        time: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(ready(self.write().set_last_login(id, time)))
    }

    fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(Ok(self.write().delete(id))))
    }

    fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>> {
        Box::pin(ready(Ok(self.read().list(page, |_| true))))
    }

    fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>> {
        Box::pin(ready(Ok(self.read().with_permission(permission, page))))
    }

    fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_permissions(id, permission, true)))
    }

    fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_permissions(id, permission, false)))
    }

    fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_groups(id, group, true)))
    }

    fn remove_from_group<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(ready(self.write().change_groups(id, group, false)))
    }
}
