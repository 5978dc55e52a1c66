use std::fmt;
use std::sync::Arc;

use super::{AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use crate::BoxFuture;

/// Another party that people have accounts with, and that sends them back with a code: GitHub, Google, an OpenID provider, or
/// anything of one's own.
///
/// Those of the feature `oauth2-client` stand in `auth::oauth2::client`. A provider is registered by `#[auth_provider]` or with
/// [`AuthenticationService::register_provider`](crate::accounts::AuthenticationService::register_provider).
///
/// # Security
/// The framework makes `state`, `nonce` and PKCE's verifier, and sees to it that an answer counts once, in the browser and for
/// the provider that it was begun for. A provider sends them along, has the server check the verifier, and says only what it has
/// checked: above all whose account it is, by [`OAuthUserInfo::issuer`] and [`OAuthUserInfo::subject`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an auth provider",
    note = "implement `auth::oauth2::AuthProvider` for `{Self}`"
)]
pub trait AuthProvider: fmt::Debug + Send + Sync + 'static {
    /// The name that it is asked for by, and that stands in paths: 1 to 64 small letters, digits, `-` and `_`, but neither `factor` nor
    /// `passkey`. It does not change: what is registered at the provider has it.
    fn name(&self) -> &str;

    /// Where the browser is sent, so that its user proves there who they are.
    ///
    /// # Errors
    /// [`AuthProviderError`], when that cannot be told.
    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>>;

    /// Whose account it is that the browser came back with a code for.
    ///
    /// # Errors
    /// [`AuthProviderError`]: then nobody is logged in.
    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        flow: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>>;
}

impl<P: AuthProvider + ?Sized> AuthProvider for Arc<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        (**self).get_auth_url(flow)
    }

    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        flow: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        (**self).exchange_code(response, flow)
    }
}

/// Whether a provider can have this name: it stands in paths, beside the steps of a login.
pub(crate) fn is_name(name: &str) -> bool {
    let of_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(of_word) && !["factor", "passkey"].contains(&name)
}

/// Why a provider does not say who somebody is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthProviderError {
    /// What somebody came back with proves nothing: a code that is not accepted, a token for somebody else.
    #[error("{reason}")]
    Refused {
        /// Why, for the log.
        reason: &'static str,
    },
    /// The provider is set up wrong.
    #[error("{0}")]
    Configuration(String),
    /// The provider cannot be asked, or its answer cannot be used: who it is cannot be told.
    #[error("the provider cannot be asked, or its answer cannot be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthProviderError {
    /// What somebody came back with proves nothing.
    pub fn refused(reason: &'static str) -> Self {
        Self::Refused { reason }
    }

    /// The provider cannot be asked.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }
}
