use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{UserError, UserModel};
use crate::BoxFuture;
use crate::passwords::PasswordHash;
use crate::permissions::PermissionSet;

/// Changes with every change of a user's password, never with a re-hash of the same one, and with every change of whether
/// the account is in use. Sessions and tokens are tied to it.
pub type CredentialVersion = i64;

/// A user as the store has it now, with what the user holds now, read in one round trip.
#[derive(Debug)]
#[non_exhaustive]
pub struct Account<U> {
    /// The user.
    pub user: Arc<U>,
    /// The permissions held directly and through groups. Whether the user is active or a superuser is not in it.
    pub permissions: PermissionSet,
    /// Changes with every change of the password and of whether the account is in use.
    pub credential: CredentialVersion,
}

impl<U> Account<U> {
    /// Puts together what a store read.
    pub fn new(user: U, permissions: PermissionSet, credential: CredentialVersion) -> Self {
        Self { user: Arc::new(user), permissions, credential }
    }
}

impl<U> Clone for Account<U> {
    fn clone(&self) -> Self {
        Self { user: self.user.clone(), permissions: self.permissions.clone(), credential: self.credential }
    }
}

/// What a user is looked up by. Names and addresses are in canonical form already.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum UserLookup<'a, K> {
    /// The primary key.
    Id(&'a K),
    /// The name the user logs in with.
    Username(&'a str),
    /// The mail address. Where several users have it, none is found.
    Email(&'a str),
}

/// A part of a long list, in the order of the primary key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Page {
    /// How many to pass over.
    pub offset: u64,
    /// How many to give: 1000 at the most.
    pub limit: u64,
}

impl Page {
    /// That many from the beginning.
    pub fn first(limit: u64) -> Self {
        Self { offset: 0, limit: limit.min(1000) }
    }

    /// The page after this one.
    pub fn next(self) -> Self {
        Self { offset: self.offset.saturating_add(self.limit), ..self }
    }
}

/// Why a password's hash is written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum PasswordChange<'a> {
    /// It is another password: the credential version changes, so sessions and tokens end.
    NewPassword,
    /// The same password, hashed better. Written only if the stored hash is still this one, so that it cannot
    /// overtake a change; the credential version stays.
    Rehash(&'a PasswordHash),
}

/// A group as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The name it is looked up by.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The names of its permissions, sorted.
    pub permissions: Vec<String>,
}

impl Group {
    /// A group with these permissions.
    pub fn new(name: impl Into<String>, title: impl Into<String>, permissions: Vec<String>) -> Self {
        Self { name: name.into(), title: title.into(), permissions }
    }
}

/// Where groups are kept.
pub trait GroupStore: fmt::Debug + Send + Sync + 'static {
    /// All groups, sorted by name.
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>>;

    /// Makes a group without permissions.
    ///
    /// # Errors
    /// [`UserError::GroupExists`]
    fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>>;

    /// Removes a group from everywhere. Says whether there was one.
    fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Gives a group a permission. Says whether that changed anything.
    fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Takes a permission from a group. Says whether that changed anything.
    fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;
}

/// Where users are kept. Every method is one atomic operation.
pub trait UserStore<U: UserModel>: GroupStore {
    /// The user, with everything the user holds now.
    fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>>;

    /// The user of that key as it was a moment ago: at most as long ago as a cache that stands before the store says, and now
    /// where there is none. For requests; what is decided against somebody is decided by [`UserStore::find`].
    fn find_recent<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        self.find(UserLookup::Id(id))
    }

    /// Writes a new user with the groups and permissions it holds, and gives it back with its key. What is given back is
    /// as if it were read: its password counts as changed only once another is set.
    ///
    /// # Errors
    /// [`UserError::AlreadyExists`] when a unique column is taken: of many who create the same name at once, one
    /// succeeds. Nothing is written when a group or permission is unknown.
    fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>>;

    /// Writes the columns of that user: only these, or the whole of it. Never groups and permissions. The password's hash
    /// is written only if the struct's was changed since it was read, and then renews the credential version.
    ///
    /// The whole is without the columns that say what the user may do and when they came: [`Role::IsActive`],
    /// [`Role::IsStaff`], [`Role::IsSuperuser`] and [`Role::LastLogin`]. A struct that was read before an administrator
    /// changed them would bring the old values back; so they are written only where they are named.
    /// Another value of [`Role::IsActive`] renews the credential version too: who is disabled is logged out for good.
    ///
    /// [`Role::IsActive`]: crate::database::Role::IsActive
    /// [`Role::IsStaff`]: crate::database::Role::IsStaff
    /// [`Role::IsSuperuser`]: crate::database::Role::IsSuperuser
    /// [`Role::LastLogin`]: crate::database::Role::LastLogin
    ///
    /// # Errors
    /// [`UserError::NotFound`], [`UserError::AlreadyExists`], [`UserError::UnknownColumn`]
    fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>>;

    /// Writes the password's hash. Says whether it did.
    fn set_password_hash<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        hash: &'a PasswordHash,
        change: PasswordChange<'a>,
    ) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Notes a login.
    fn set_last_login<'a>(&'a self, id: &'a U::PrimaryKey, time: DateTime<Utc>)
    -> BoxFuture<'a, Result<(), UserError>>;

    /// Removes the user with all memberships. Says whether there was one.
    fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Users in the order of their keys.
    fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>>;

    /// The active users who hold a permission: directly, through a group, or as superusers.
    fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>>;

    /// Gives the user a permission. Says whether that changed anything.
    fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Takes a permission from the user. Says whether that changed anything.
    fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Puts the user into a group. Says whether that changed anything.
    fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>>;

    /// Takes the user out of a group. Says whether that changed anything.
    fn remove_from_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str)
    -> BoxFuture<'a, Result<bool, UserError>>;
}
