//! What names and passwords are checked by: one file for each. Another one implements
//! [`AuthBackend`](super::AuthBackend) and enters the registry with `#[auth_backend]`, or is added at run time.

mod composite;
#[cfg(feature = "backend-ldap")]
mod ldap;
mod users;

pub use composite::CompositeAuthBackend;
#[cfg(feature = "backend-ldap")]
pub use ldap::{LdapAuthBackend, LdapBackendError};
pub use users::UserStoreBackend;
