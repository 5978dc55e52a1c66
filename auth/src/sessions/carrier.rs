//! What travels in the cookie: the key of a session, or the session.

#[cfg(feature = "session-cookie")]
use super::CookieSessionBackend;
#[cfg(feature = "__web")]
use super::SessionKey;
use super::{DynSessionBackend, SessionError, backend};
use crate::registry::{Context, Url};

/// How sessions travel.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    /// Their key does; they are kept in a backend.
    Key(DynSessionBackend),
    /// They do themselves.
    #[cfg(feature = "session-cookie")]
    Whole(CookieSessionBackend),
}

impl Carrier {
    pub(crate) async fn connect(url: &Url, context: &Context) -> Result<Self, SessionError> {
        #[cfg(feature = "session-cookie")]
        if url.scheme() == "cookie" {
            return CookieSessionBackend::connect(url, context).await.map(Self::Whole);
        }
        backend::connect(url, context).await.map(Self::Key)
    }

    /// What is kept on the server: sessions, or marks of those that ended before their time.
    pub(crate) fn backend(&self) -> &DynSessionBackend {
        match self {
            Self::Key(backend) => backend,
            #[cfg(feature = "session-cookie")]
            Self::Whole(carrier) => carrier.marks(),
        }
    }

    /// Whether sessions are kept in the backend.
    pub(crate) fn is_on_server(&self) -> bool {
        matches!(self, Self::Key(_))
    }

    /// What a session is kept in that no cookie brought.
    pub(crate) fn begin(&self) -> DynSessionBackend {
        match self {
            Self::Key(backend) => backend.clone(),
            #[cfg(feature = "session-cookie")]
            Self::Whole(carrier) => carrier.begin(),
        }
    }

    /// The same for a cookie of this name.
    #[must_use]
    #[cfg_attr(not(feature = "session-cookie"), expect(unused_variables, reason = "a key is not bound to a name"))]
    pub(crate) fn with_name(self, name: &str) -> Self {
        match self {
            #[cfg(feature = "session-cookie")]
            Self::Whole(carrier) => Self::Whole(carrier.with_name(name)),
            Self::Key(_) => self,
        }
    }

    /// The key of the session that a cookie brings, be there such a session or not.
    #[cfg(feature = "__web")]
    pub(crate) fn key_in(&self, cookie: &[u8]) -> Option<SessionKey> {
        match self {
            Self::Key(_) => SessionKey::parse(cookie),
            #[cfg(feature = "session-cookie")]
            Self::Whole(carrier) => carrier.key_in(cookie),
        }
    }
}
