use auth::BoxFuture;
use auth::accounts::AuthProviderEntry;
use auth::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use auth::registry::Context;

#[derive(Debug)]
struct Nobody;

impl AuthProvider for Nobody {
    fn name(&self) -> &str {
        "nobody_2"
    }

    fn get_auth_url<'a>(&'a self, _: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        Box::pin(async { Ok(String::new()) })
    }

    fn exchange_code<'a>(
        &'a self,
        _: &'a AuthorizationResponse,
        _: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        Box::pin(async { Err(AuthProviderError::refused("nobody")) })
    }
}

#[auth::auth_provider("nobody_2")]
fn nobody(_: &Context) -> Result<impl AuthProvider, auth::Error> {
    Ok(Nobody)
}

#[auth::auth_provider("named", crate = ::auth)]
pub(crate) fn named(_context: &Context) -> Result<Nobody, auth::Error> {
    Ok(Nobody)
}

fn main() {
    for name in ["nobody_2", "named"] {
        assert!(auth::registry::find::<AuthProviderEntry>(name).is_ok());
    }
}
