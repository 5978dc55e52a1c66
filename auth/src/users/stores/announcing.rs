use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::passwords::PasswordHash;
use crate::users::{Account, Group, GroupStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore};

/// Tells of every change of what a user is or may do, before whoever makes it hears of it.
pub(crate) struct AnnouncingUserStore<U: UserModel> {
    below: Arc<dyn UserStore<U>>,
    told: Arc<Told>,
}

/// Is told the changed user's key as text; nothing where it may be any user.
type Told = dyn Fn(Option<&str>) + Send + Sync;

impl<U: UserModel> AnnouncingUserStore<U> {
    pub(crate) fn new(below: Arc<dyn UserStore<U>>, told: Arc<Told>) -> Self {
        Self { below, told }
    }

    /// Whatever came of the change: it may have been made although an error came back.
    fn of<T>(&self, id: &U::PrimaryKey, result: T) -> T {
        (self.told)(Some(&id.to_string()));
        result
    }

    fn of_any<T>(&self, result: T) -> T {
        (self.told)(None);
        result
    }
}

impl<U: UserModel> fmt::Debug for AnnouncingUserStore<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.below, f)
    }
}

impl<U: UserModel> GroupStore for AnnouncingUserStore<U> {
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>> {
        self.below.groups()
    }

    fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>> {
        self.below.create_group(name, title)
    }

    fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of_any(self.below.delete_group(name).await) })
    }

    fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of_any(self.below.grant_to_group(group, permission).await) })
    }

    fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of_any(self.below.revoke_from_group(group, permission).await) })
    }
}

impl<U: UserModel> UserStore<U> for AnnouncingUserStore<U> {
    fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        self.below.find(by)
    }

    fn find_recent<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        self.below.find_recent(id)
    }

    fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>> {
        self.below.create(user)
    }

    fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(async move { self.of(user.primary_key(), self.below.update(user, only).await) })
    }

    fn set_password_hash<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        hash: &'a PasswordHash,
        change: PasswordChange<'a>,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        match change {
            PasswordChange::Rehash(_) => self.below.set_password_hash(id, hash, change),
            PasswordChange::NewPassword => {
                Box::pin(async move { self.of(id, self.below.set_password_hash(id, hash, change).await) })
            }
        }
    }

    fn set_last_login<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        time: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), UserError>> {
        self.below.set_last_login(id, time)
    }

    fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of(id, self.below.delete(id).await) })
    }

    fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>> {
        self.below.list(page)
    }

    fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>> {
        self.below.with_permission(permission, page)
    }

    fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of(id, self.below.grant(id, permission).await) })
    }

    fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of(id, self.below.revoke(id, permission).await) })
    }

    fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of(id, self.below.add_to_group(id, group).await) })
    }

    fn remove_from_group<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.of(id, self.below.remove_from_group(id, group).await) })
    }
}
