use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// An account at a provider, as the provider describes it.
///
/// # Security
/// Only issuer and subject together tell whose it is. `Debug` shows nothing else.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct OAuthUserInfo {
    /// Who vouches for it: an issuer's address.
    pub issuer: String,
    /// What the issuer knows the account by; it never changes there, and is given to nobody else.
    pub subject: String,
    /// Its mail address.
    pub email: Option<String>,
    /// Whether the issuer has made sure that the address is its owner's. What is not verified counts for nothing.
    pub email_verified: bool,
    /// What its owner goes by there. It can pass to somebody else.
    pub username: Option<String>,
    /// Its owner's name, to be shown.
    pub name: Option<String>,
    /// When its owner proved to the issuer who they are, if the issuer says: no login by it is later.
    pub auth_time: Option<DateTime<Utc>>,
    /// Whatever else the provider said.
    pub attributes: Map<String, Value>,
}

impl OAuthUserInfo {
    /// An account of which no more than its id is known.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
            email: None,
            email_verified: false,
            username: None,
            name: None,
            auth_time: None,
            attributes: Map::new(),
        }
    }

    /// The same with an address of which the issuer has made sure that it is its owner's.
    #[must_use]
    pub fn with_verified_email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), email_verified: true, ..self }
    }

    /// The same with what its owner goes by there.
    #[must_use]
    pub fn with_username(self, username: impl Into<String>) -> Self {
        Self { username: Some(username.into()), ..self }
    }

    /// The address, if the issuer has made sure that it is its owner's.
    pub fn verified_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }
}

impl fmt::Debug for OAuthUserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, subject, .. } = self;
        f.debug_struct("OAuthUserInfo").field("issuer", issuer).field("subject", subject).finish_non_exhaustive()
    }
}
