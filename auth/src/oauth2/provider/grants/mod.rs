//! How clients come by tokens, each in a file of its own.

mod authorization_code;
mod client_credentials;
mod device_code;
#[cfg(feature = "danger-oauth2-implicit")]
mod implicit;
mod refresh_token;

pub use device_code::{DeviceAuthorization, DeviceRequest};

use super::authorization::check_parameters;
use super::{GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, TokenResponse};
use crate::secret::SecretString;

/// What a client asks the token endpoint for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenRequest {
    /// By which grant.
    pub grant_type: GrantType,
    /// The code, or the device's code.
    pub code: Option<SecretString>,
    /// Where the code was sent.
    pub redirect_uri: Option<String>,
    /// What the code's challenge was made of.
    pub code_verifier: Option<SecretString>,
    /// The token for the next one.
    pub refresh_token: Option<SecretString>,
    /// How much of it.
    pub scope: Option<String>,
}

impl TokenRequest {
    /// Reads a form. An empty field is none; one that is there twice is refused.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`]
    pub fn read(form: &[(String, String)]) -> Result<Self, OAuth2Error> {
        check_parameters(form).map_err(OAuth2Error::invalid)?;
        let one = |name: &str| {
            let found = form.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let unsupported = OAuth2Error::refused(OAuth2ErrorCode::UnsupportedGrantType, "there is no such grant here");
        let grant_type = match one("grant_type") {
            None => return Err(OAuth2Error::invalid("there is no `grant_type`")),
            Some("authorization_code") => GrantType::AuthorizationCode,
            Some("client_credentials") => GrantType::ClientCredentials,
            Some("refresh_token") => GrantType::RefreshToken,
            Some("urn:ietf:params:oauth:grant-type:device_code") => GrantType::DeviceCode,
            Some(_) => return Err(unsupported),
        };
        let code = if grant_type == GrantType::DeviceCode { one("device_code") } else { one("code") };
        Ok(Self {
            grant_type,
            code: code.map(SecretString::from),
            redirect_uri: one("redirect_uri").map(str::to_owned),
            code_verifier: one("code_verifier").map(SecretString::from),
            refresh_token: one("refresh_token").map(SecretString::from),
            scope: one("scope").map(str::to_owned),
        })
    }
}

impl OAuth2Authentication {
    /// The tokens that a client asks for, which has said who it is.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`] when it gets none, and when a store fails.
    pub async fn token(
        &self,
        application: &OAuth2Application,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuth2Error> {
        if !application.may(request.grant_type) {
            let description = "the client may not ask in this way";
            return Err(OAuth2Error::refused(OAuth2ErrorCode::UnauthorizedClient, description));
        }
        match request.grant_type {
            GrantType::AuthorizationCode => self.exchange_code(application, request).await,
            GrantType::ClientCredentials => self.client_credentials(application, request).await,
            GrantType::RefreshToken => self.refresh(application, request).await,
            GrantType::DeviceCode => self.exchange_device_code(application, request).await,
            #[cfg(feature = "danger-oauth2-implicit")]
            GrantType::Implicit => Err(OAuth2Error::invalid("such tokens are not asked for here")),
        }
    }

    /// Whether a user still has the credentials of then, and is active.
    pub(super) async fn is_current(&self, user_id: &str, credential: i64) -> Result<bool, OAuth2Error> {
        Ok(self.inner.subjects.current(user_id).await? == Some(credential))
    }
}

fn invalid_scope(description: &'static str) -> OAuth2Error {
    OAuth2Error::refused(OAuth2ErrorCode::InvalidScope, description)
}
