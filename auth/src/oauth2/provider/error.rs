use std::time::Duration;

use super::SigningKeyError;
use crate::limits::LimitError;
use crate::records::RecordError;
use crate::tokens::{JwtError, TokenError};

/// Why a request of a client's, or of a person's for a client, comes to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuth2Error {
    /// The answer is no; the text is for the client's developer.
    #[error("{description}")]
    Refused {
        /// What the standards call it.
        code: OAuth2ErrorCode,
        /// In words.
        description: &'static str,
    },
    /// Too many tries.
    #[error("there were too many tries")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// A setting is missing or wrong.
    #[error("{0}")]
    Configuration(String),
    /// Others were quicker, time and again: nothing was done.
    #[error("too many change the same thing at once")]
    Contended,
    /// What the store holds cannot be read.
    #[error("something stored for OAuth 2 is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The store failed.
    #[error("the store for OAuth 2 failed")]
    Store(#[source] RecordError),
    /// A token could not be made, checked or revoked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There are no keys to sign ID tokens with.
    #[error(transparent)]
    Keys(#[from] SigningKeyError),
    /// Whether there were too many tries cannot be told.
    #[error("the limits on tries cannot be checked")]
    Limits(#[source] LimitError),
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal;)*) => {
        /// What the standards call the reason of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum OAuth2ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl OAuth2ErrorCode {
            /// As it is written in `error`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// The request is malformed (RFC 6749).
    InvalidRequest => "invalid_request";
    /// The client is not who it says (RFC 6749).
    InvalidClient => "invalid_client";
    /// A code or a token is not valid, or not for this client (RFC 6749).
    InvalidGrant => "invalid_grant";
    /// The client may not ask in this way (RFC 6749).
    UnauthorizedClient => "unauthorized_client";
    /// There is no such grant here (RFC 6749).
    UnsupportedGrantType => "unsupported_grant_type";
    /// There is no such response here (RFC 6749).
    UnsupportedResponseType => "unsupported_response_type";
    /// The scope is malformed, or more than the client may have (RFC 6749).
    InvalidScope => "invalid_scope";
    /// The person said no (RFC 6749).
    AccessDenied => "access_denied";
    /// Something is wrong on our side (RFC 6749).
    ServerError => "server_error";
    /// Not now (RFC 6749).
    TemporarilyUnavailable => "temporarily_unavailable";
    /// That kind of token cannot be revoked here (RFC 7009).
    UnsupportedTokenType => "unsupported_token_type";
    /// The person has not answered yet (RFC 8628).
    AuthorizationPending => "authorization_pending";
    /// The device asks too often (RFC 8628).
    SlowDown => "slow_down";
    /// The device's code is too old (RFC 8628).
    ExpiredToken => "expired_token";
    /// Nobody is logged in, and nobody may be asked (OpenID Connect).
    LoginRequired => "login_required";
    /// The person has not agreed, and may not be asked (OpenID Connect).
    ConsentRequired => "consent_required";
    /// Requests as objects are not read here (OpenID Connect).
    RequestNotSupported => "request_not_supported";
    /// Nor from elsewhere (OpenID Connect).
    RequestUriNotSupported => "request_uri_not_supported";
    /// Clients are not registered by a request (OpenID Connect).
    RegistrationNotSupported => "registration_not_supported";
}

impl OAuth2Error {
    pub(crate) fn refused(code: OAuth2ErrorCode, description: &'static str) -> Self {
        Self::Refused { code, description }
    }

    pub(super) fn invalid(description: &'static str) -> Self {
        Self::refused(OAuth2ErrorCode::InvalidRequest, description)
    }

    pub(super) fn invalid_grant(description: &'static str) -> Self {
        Self::refused(OAuth2ErrorCode::InvalidGrant, description)
    }
}

impl From<RecordError> for OAuth2Error {
    fn from(error: RecordError) -> Self {
        Self::Store(error)
    }
}

impl From<LimitError> for OAuth2Error {
    fn from(error: LimitError) -> Self {
        Self::Limits(error)
    }
}

impl From<JwtError> for OAuth2Error {
    fn from(error: JwtError) -> Self {
        Self::Token(error.into())
    }
}
