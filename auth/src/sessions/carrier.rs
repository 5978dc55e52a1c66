//! What travels in the cookie: the key of a session, or the session.

#[cfg(feature = "session-cookie")]
use super::CookieSessionBackend;
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

    /// What is kept on the server: sessions, or whose are revoked.
    pub(crate) fn backend(&self) -> &DynSessionBackend {
        match self {
            Self::Key(backend) => backend,
            #[cfg(feature = "session-cookie")]
            Self::Whole(carrier) => carrier.revocations(),
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
}
