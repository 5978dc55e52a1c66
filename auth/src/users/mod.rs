//! Users: what a user is, where users are kept, and the groups they are in.
//!
//! - [`User`], [`BaseUser`], [`FullUser`], [`PermissionsMixin`]: what can be asked of a user; each method stands in one of them.
//! - [`UserStore`]: where users are kept. To add a store: implement it and [`GroupStore`], and run
//!   `auth::user_store_suite!` on it. `stores/` has one file for each.
//! - [`UserManager`]: makes users, over any store.

mod default_user;
mod error;
mod manager;
mod new_user;
mod simple;
mod store;
mod traits;
mod username;

pub use default_user::DefaultUser;
pub use error::UserError;
pub use manager::{BaseUserManager, DefaultUserManager, Extra, UserManager};
pub use simple::{AnonymousUser, SimpleUser};
pub use store::{
    Account, CredentialVersion, Group, GroupStore, Page, PasswordChange, UserLookup, UserStore,
};
pub use traits::{BaseUser, FullUser, PermissionsMixin, PrimaryKey, User, UserModel};
pub use stubs::*;
mod stubs {
    #![allow(missing_docs, unused)]
    use super::*;
    impl<U> std::fmt::Debug for InMemoryUserStore<U> { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("x") } }
    pub struct InMemoryUserStore<U>(std::marker::PhantomData<fn()->U>);
    impl<U: UserModel> InMemoryUserStore<U> { pub fn new() -> Self { todo!() } }
    use crate::BoxFuture;
    use crate::passwords::PasswordHash;
    impl<U: UserModel> GroupStore for InMemoryUserStore<U> {
        fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>> { todo!() }
        fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>> { todo!() }
        fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
    }
    impl<U: UserModel + std::fmt::Debug> X for U {}
    trait X {}
    impl<U: UserModel> UserStore<U> for InMemoryUserStore<U> {
        fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> { todo!() }
        fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>> { todo!() }
        fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>> { todo!() }
        fn set_password_hash<'a>(&'a self, id: &'a U::PrimaryKey, hash: &'a PasswordHash, change: PasswordChange<'a>) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn set_last_login<'a>(&'a self, id: &'a U::PrimaryKey, time: chrono::DateTime<chrono::Utc>) -> BoxFuture<'a, Result<(), UserError>> { todo!() }
        fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>> { todo!() }
        fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>> { todo!() }
        fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
        fn remove_from_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> { todo!() }
    }
}
