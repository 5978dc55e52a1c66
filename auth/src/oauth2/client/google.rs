use super::{ClientAuth, OpenIdConnect};
use crate::BoxFuture;
use crate::clock::Clock;
use crate::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use crate::secret::SecretString;

/// Google (<https://developers.google.com/identity/openid-connect/openid-connect>): [`OpenIdConnect`] with its issuer.
///
/// # Security
/// It does not ask its users anew when a client wants that: who is logged in there and proves again here who they are, passes.
#[derive(Debug)]
pub struct Google(OpenIdConnect);

impl Google {
    /// Google's issuer.
    pub const ISSUER: &'static str = "https://accounts.google.com";

    /// Google, as the client that it knows by this id and secret.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Result<Self, AuthProviderError> {
        Self::at(Self::ISSUER, client_id, client_secret)
    }

    /// The same at another issuer, for tests.
    ///
    /// # Errors
    /// As [`OpenIdConnect::new`].
    pub fn at(
        issuer: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Result<Self, AuthProviderError> {
        let google = OpenIdConnect::new("google", issuer, client_id, client_secret)?;
        Ok(Self(google.client_auth(ClientAuth::Post).never_asks_anew()))
    }

    /// What is asked for: `openid email profile`, if nothing is said.
    #[must_use]
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(self.0.scopes(scopes))
    }

    /// Goes by this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self(self.0.clock(clock))
    }
}

impl AuthProvider for Google {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        self.0.get_auth_url(flow)
    }

    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        flow: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        self.0.exchange_code(response, flow)
    }
}
