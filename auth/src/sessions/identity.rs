use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Session, SessionBackend, SessionError};

/// The dictionary's key that it stands under.
const KEY: &str = "_auth_identity";

/// The external account that a visitor signed in with, as its provider described it.
///
/// # Security
/// Only provider and external id together tell who it is: two providers can use one id, and an address or a name can
/// pass to somebody else. A login with the application's own account is [`Session::login`], not this. `Debug` shows
/// neither address nor attributes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// Who vouches for it: `github`, or an issuer's address.
    pub provider_id: String,
    /// What the provider knows the account by; it never changes there.
    pub external_id: String,
    /// Its mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its name at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whatever else the provider said.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}

impl Identity {
    /// An account of which no more than its id is known.
    pub fn new(provider_id: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self { provider_id: provider_id.into(), external_id: external_id.into(), ..Self::default() }
    }

    /// The same with this mail address.
    #[must_use]
    pub fn with_email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// The same with this name.
    #[must_use]
    pub fn with_username(self, username: impl Into<String>) -> Self {
        Self { username: Some(username.into()), ..self }
    }

    /// The same with one attribute more.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider_id, external_id, .. } = self;
        f.debug_struct("Identity")
            .field("provider_id", provider_id)
            .field("external_id", external_id)
            .finish_non_exhaustive()
    }
}

impl<B: SessionBackend> Session<B> {
    /// Keeps the external account that the visitor signed in with. It goes with the session, or when another user logs
    /// in to it.
    ///
    /// # Errors
    /// [`SessionError::Value`] when it cannot be written as JSON.
    pub fn set_identity(&self, identity: &Identity) -> Result<(), SessionError> {
        self.set(KEY, identity)
    }

    /// The external account that the visitor signed in with.
    ///
    /// # Errors
    /// [`SessionError::Value`] when something else was put in its place.
    pub fn identity(&self) -> Result<Option<Identity>, SessionError> {
        self.get(KEY)
    }

    /// Forgets the external account. Says whether there was one.
    pub fn forget_identity(&self) -> bool {
        self.delete(KEY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_shows_neither_address_nor_attributes() {
        let identity = Identity::new("https://id.example", "248289761001")
            .with_email("jane@id.example")
            .with_username("jane")
            .with_attribute("groups", vec!["staff"]);
        let shown = format!("{identity:?}");
        assert!(shown.contains("248289761001") && !shown.contains("jane") && !shown.contains("staff"), "{shown}");
    }
}
