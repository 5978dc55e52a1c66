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
pub(crate) mod stores;
mod traits;
mod username;

pub use default_user::DefaultUser;
pub use error::UserError;
pub use manager::{BaseUserManager, DefaultUserManager, UserManager};
pub use new_user::Extra;
pub(crate) use new_user::narrowed;
pub use simple::{AnonymousUser, SimpleUser};
pub use store::{Account, CredentialVersion, Group, GroupStore, Page, PasswordChange, UserLookup, UserStore};
#[cfg(feature = "__sql")]
pub use stores::DatabaseUserStore;
pub use stores::{CachedUserStore, InMemoryUserStore};
pub use traits::{BaseUser, FullUser, PermissionsMixin, PrimaryKey, User, UserModel};
