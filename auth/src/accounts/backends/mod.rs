//! One file for each technology that names and passwords are checked by.

#[cfg(feature = "backend-ldap")]
mod ldap;

#[cfg(feature = "backend-ldap")]
pub use ldap::{LdapAuthBackend, LdapBackendError};
