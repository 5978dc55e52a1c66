use std::fmt;

use crate::oauth2::{AuthorizationFlow, AuthorizationResponse};
use crate::secret::SecretString;

/// What somebody brings to prove who they are.
#[derive(Clone)]
#[non_exhaustive]
pub enum AuthCredentials {
    /// A name, or a mail address, and a password.
    Password {
        /// What was typed as the name.
        username: String,
        /// What was typed as the password.
        password: SecretString,
        /// What an earlier login left on this device, so that others' guesses do not keep it out.
        device: Option<SecretString>,
    },
    /// An access token of ours, as it stands behind `Bearer`.
    Token {
        /// The token.
        token: SecretString,
    },
    /// An API key.
    ApiKey {
        /// The key.
        key: SecretString,
    },
    /// What an identity provider sent the browser back with.
    OAuth {
        /// What was begun, and is under way no longer ([`Auth::take_flow`](super::Auth::take_flow)).
        flow: Box<AuthorizationFlow>,
        /// The code, and who says to have sent it.
        response: AuthorizationResponse,
    },
    /// A name that a trusted proxy vouches for. Only whoever has checked that makes one.
    RemoteUser {
        /// The name.
        username: String,
        /// Whether a user is made where there is none.
        create: bool,
    },
}

impl AuthCredentials {
    /// A name and a password, from an unknown device.
    pub fn password(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self::Password { username: username.into(), password: password.into(), device: None }
    }

    /// An access token.
    pub fn token(token: impl Into<SecretString>) -> Self {
        Self::Token { token: token.into() }
    }

    /// An API key.
    pub fn api_key(key: impl Into<SecretString>) -> Self {
        Self::ApiKey { key: key.into() }
    }

    /// What a provider sent the browser back with, in this flow.
    pub fn oauth(flow: AuthorizationFlow, response: AuthorizationResponse) -> Self {
        Self::OAuth { flow: Box::new(flow), response }
    }

    /// A name and a password from a device that has this of an earlier login.
    #[must_use]
    pub fn on_device(mut self, token: impl Into<SecretString>) -> Self {
        if let Self::Password { device, .. } = &mut self {
            *device = Some(token.into());
        }
        self
    }

    /// The way in, for the trail.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Token { .. } => "token",
            Self::ApiKey { .. } => "api key",
            Self::OAuth { .. } => "oauth",
            Self::RemoteUser { .. } => "remote user",
        }
    }
}

/// Without the name: people type passwords into the wrong field.
impl fmt::Debug for AuthCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthCredentials").field(&self.method()).finish()
    }
}
