use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::secret::SecretString;
use crate::tokens::{BlacklistReason, RefreshRefused, TokenError, TokenLogin, TokenRefused};

/// Which kind of credential a token is. None is ever accepted in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenScope {
    /// A signed access token, for requests; it lives minutes.
    Access,
    /// A refresh token, for the next pair; it is good for one use.
    Refresh,
    /// An API key.
    ApiKey,
}

impl TokenScope {
    /// Its name in words: `access token`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access token",
            Self::Refresh => "refresh token",
            Self::ApiKey => "API key",
        }
    }
}

/// What a client gets (RFC 6749 §5.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// For requests.
    pub access_token: SecretString,
    /// For the next pair.
    pub refresh_token: SecretString,
    /// How many seconds the access token is valid.
    pub expires_in: u64,
    /// `Bearer`.
    pub token_type: &'static str,
    /// What was granted.
    pub scope: Option<String>,
    /// The family of both; it may stand in logs.
    pub family: String,
}

/// What a valid access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// Whom it speaks for. Whether they still may, is to be asked.
    pub user_id: String,
    /// The version of the user's credentials at the login: compare it with the user's of now.
    pub credential: i64,
    /// What it is revoked by.
    pub jti: String,
    /// The family of refresh tokens that it came of.
    pub family: String,
    /// The client that it was issued to; nothing for the application's own.
    pub client_id: Option<String>,
    /// The scope, as RFC 6749 §3.3 has it.
    pub scope: Option<String>,
    /// The login that it came of, where that is known.
    pub login: Option<TokenLogin>,
    /// When it was issued, to the second.
    pub issued_at: DateTime<Utc>,
    /// From then on it is refused.
    pub expires_at: DateTime<Utc>,
}

/// Whether an access token is accepted.
#[must_use = "only `Accepted` is a success"]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever verifies must know both answers")]
pub enum AccessVerdict {
    /// It says this. Whether its user is still there, active, and of that credential version, is for the caller to compare,
    /// who loads the user anyway.
    Accepted(AccessToken),
    /// It is not.
    Refused(AccessRefused),
}

/// Why an access token is refused. Displayed it is one and the same text; the reason is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessRefused {
    /// It is a token of another kind.
    Kind(TokenScope),
    /// It is not valid.
    Token(TokenRefused),
    /// It was revoked.
    Revoked(BlacklistReason),
}

impl AccessRefused {
    /// The reason, for the log.
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Kind(TokenScope::Refresh) => "a refresh token is no access token".into(),
            Self::Kind(TokenScope::ApiKey) => "an API key is no access token".into(),
            Self::Kind(TokenScope::Access) => "the access token is of another kind".into(),
            Self::Token(refused) => refused.reason(),
            Self::Revoked(BlacklistReason::Logout) => "the token ended with a logout".into(),
            Self::Revoked(BlacklistReason::Compromised) => "the token was in two hands".into(),
            Self::Revoked(BlacklistReason::ManualRevoke) => "the token was revoked".into(),
            Self::Revoked(BlacklistReason::Rotated) => "another token took its place".into(),
        }
    }
}

impl fmt::Display for AccessRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is not valid")
    }
}

impl std::error::Error for AccessRefused {}

/// What became of a refresh token.
#[must_use = "only `Issued` is a success"]
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever refreshes must know both answers")]
pub enum Refreshed {
    /// The next pair.
    Issued(TokenPair),
    /// Nothing: `invalid_grant` (RFC 6749 §5.2).
    Refused(RefreshDenied),
}

/// Why there is no next pair. Displayed it is one and the same text; the reason is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshDenied {
    /// It is a token of another kind.
    Kind(TokenScope),
    /// It is no refresh token of ours.
    Token(RefreshRefused),
    /// Its family has ended: by a logout, by a limit, because one of its tokens was used twice.
    Ended,
    /// It was used before, or another client sent it. Its family has ended now.
    Reused,
    /// The user is gone or inactive. Its family has ended now.
    Inactive,
    /// The user's credentials were changed since the login. Its family has ended now.
    CredentialsChanged,
}

impl RefreshDenied {
    /// The reason, for the log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Kind(TokenScope::Access) => "an access token is no refresh token",
            Self::Kind(_) => "an API key is no refresh token",
            Self::Token(refused) => refused.reason(),
            Self::Ended => "the refresh token's family has ended",
            Self::Reused => "the refresh token is in two hands",
            Self::Inactive => "the refresh token's user is gone or inactive",
            Self::CredentialsChanged => "the user's credentials were changed since",
        }
    }
}

impl fmt::Display for RefreshDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is not valid")
    }
}

impl std::error::Error for RefreshDenied {}

/// Who tells [`TokenService`](super::TokenService) about users.
#[diagnostic::on_unimplemented(
    message = "`{Self}` tells nothing of the users that tokens are for",
    note = "implement `auth::tokens::TokenSubjects` for `{Self}`"
)]
pub trait TokenSubjects: fmt::Debug + Send + Sync + 'static {
    /// The version of the user's credentials now; nothing for a user who is unknown or inactive.
    fn current<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Option<i64>, TokenError>>;
}
