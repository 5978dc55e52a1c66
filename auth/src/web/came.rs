//! The session cookie that a request came with, and what becomes of it.

#[cfg(feature = "session-cookie")]
use std::sync::Arc;

use http::request::Parts;

use super::cookie::{Jar, Which};
#[cfg(feature = "session-cookie")]
use crate::sessions::Slot;
use crate::sessions::{Carrier, DynSessionBackend, Session, SessionError, SessionKey};

/// What a request brought.
#[derive(Debug)]
pub(crate) struct Came {
    /// What its session is kept in.
    pub(super) backend: DynSessionBackend,
    /// The key of the session that may be there.
    pub(super) key: Option<SessionKey>,
    /// The verifier of the key under which the session was found.
    pub(super) found: Option<[u8; 32]>,
    #[cfg(feature = "session-cookie")]
    slot: Option<Arc<Slot>>,
}

impl Came {
    /// Reads the cookie. Without a jar there is none for this request.
    #[cfg_attr(not(feature = "session-cookie"), expect(clippy::unused_async, reason = "a key needs no waiting for"))]
    pub(super) async fn with(carrier: &Carrier, jar: Option<&Jar>, parts: &Parts) -> Result<Self, SessionError> {
        let cookie = jar.and_then(|jar| jar.read(Which::Session, parts));
        match carrier {
            Carrier::Key(backend) => Ok(Self {
                backend: backend.clone(),
                key: cookie.and_then(SessionKey::parse),
                found: None,
                #[cfg(feature = "session-cookie")]
                slot: None,
            }),
            #[cfg(feature = "session-cookie")]
            Carrier::Whole(carrier) => {
                let (slot, key) = carrier.carry(cookie, jar.map_or(0, Jar::room)).await?;
                Ok(Self { backend: slot.clone(), key, found: None, slot: Some(slot) })
            }
        }
    }

    /// What becomes of the cookie.
    pub(super) fn change(&self, session: &Session) -> CookieChange {
        #[cfg(feature = "session-cookie")]
        if let Some(slot) = &self.slot {
            if !slot.has_changed() {
                return CookieChange::Stays;
            }
            let sealed = session.stored_key().and_then(|key| slot.cookie(&key));
            return sealed.map_or(CookieChange::Removed, CookieChange::Set);
        }
        if session.stored_verifier() == self.found {
            return CookieChange::Stays;
        }
        session.stored_key().map_or(CookieChange::Removed, |key| CookieChange::Set(key.expose()))
    }
}

/// What becomes of a visitor's session cookie.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CookieChange {
    Stays,
    Set(String),
    Removed,
}
