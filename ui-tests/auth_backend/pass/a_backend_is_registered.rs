use auth::accounts::{AuthBackend, AuthBackendEntry, AuthBackendError, Verdict};
use auth::registry::Context;
use auth::secret::SecretString;

#[derive(Debug)]
struct Nobody;

impl AuthBackend for Nobody {
    fn authenticate<'a>(
        &'a self,
        _: &'a str,
        _: &'a SecretString,
    ) -> auth::BoxFuture<'a, Result<Verdict, AuthBackendError>> {
        Box::pin(async { Ok(Verdict::Next) })
    }
}

#[auth::auth_backend("nobody_2")]
fn nobody(_: &Context) -> Result<impl AuthBackend, auth::Error> {
    Ok(Nobody)
}

#[auth::auth_backend("named", crate = ::auth)]
pub(crate) fn named(_context: &Context) -> Result<Nobody, auth::Error> {
    Ok(Nobody)
}

fn main() {
    for name in ["nobody_2", "named"] {
        assert!(auth::registry::find::<AuthBackendEntry>(name).is_ok());
    }
}
