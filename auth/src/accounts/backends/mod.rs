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

use std::sync::Arc;

use super::{AuthBackend, AuthBackendEntry, Error};
use crate::registry::{self, Context};
use crate::users::{UserManager, UserModel};

/// The backends of these names, as the builder is told them.
pub(super) fn named<U: UserModel>(
    names: Vec<String>,
    users: &UserManager<U>,
    context: &Context,
) -> Result<CompositeAuthBackend, Error> {
    let backends = CompositeAuthBackend::new();
    for name in names {
        let backend: Arc<dyn AuthBackend> = if name == UserStoreBackend::<U>::NAME {
            Arc::new(UserStoreBackend::new(users.clone()))
        } else {
            (registry::find::<AuthBackendEntry>(&name)?.make)(context)?
        };
        backends.add_backend(name, backend);
    }
    Ok(backends)
}
