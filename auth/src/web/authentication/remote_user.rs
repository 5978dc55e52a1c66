use std::net::IpAddr;

use http::header::{HeaderName, HeaderValue};

use super::{AuthenticationBackend, AuthenticationRequest, Found, single};
use crate::accounts::{AuthCredentials, AuthenticationError, Error};

/// Whoever a reverse proxy says it is, in a header that it sets: single sign-on by the web server.
///
/// The header is `REMOTE_USER`, if nothing else is said. The identity lasts as long as the header comes: no session is begun.
///
/// # Security
/// The header counts only on connections from the proxies that are configured, by address; without any it cannot be built.
/// From elsewhere a request that has it is refused, and so is one that has it twice, empty, or in a look-alike spelling that
/// gateways take for the same (`Remote-User` beside `REMOTE_USER`). The proxy must still **remove** the header, in every
/// spelling, from what its clients send (ASVS 4.1.3); in nginx `proxy_set_header REMOTE_USER $remote_user;` sets it, and an
/// empty value removes it.
///
/// The proxy's word is one factor, and no second one is asked for, also of users who have one here: what `#[mfa_required]` guards
/// stays closed to it.
#[derive(Clone, Debug)]
pub struct RemoteUserAuthentication {
    header: HeaderName,
    proxies: Vec<IpAddr>,
    create: bool,
    forced: bool,
}

impl RemoteUserAuthentication {
    /// Believes these proxies.
    ///
    /// # Errors
    /// [`Error::Configuration`] without any.
    pub fn behind(proxies: impl IntoIterator<Item = IpAddr>) -> Result<Self, Error> {
        let proxies: Vec<_> = proxies.into_iter().map(|proxy| proxy.to_canonical()).collect();
        if proxies.is_empty() {
            let text = "whose word counts for the remote user? Give the addresses of the proxies";
            return Err(Error::Configuration(text.to_owned()));
        }
        Ok(Self { header: HeaderName::from_static("remote_user"), proxies, create: false, forced: false })
    }

    /// The name stands in this header.
    ///
    /// # Errors
    /// [`Error::Configuration`] when that is no header's name, or one that clients or other parts of this crate use.
    pub fn header(mut self, name: &str) -> Result<Self, Error> {
        const TAKEN: [&str; 6] = ["authorization", "cookie", "host", "x-api-key", "origin", "x-forwarded-for"];
        let header = HeaderName::try_from(name).ok().filter(|header| !TAKEN.contains(&header.as_str()));
        let wrong = || Error::Configuration(format!("`{name}` cannot be the header of the remote user"));
        self.header = header.ok_or_else(wrong)?;
        Ok(self)
    }

    /// Makes a user, without a password, of a name that nobody has yet. Otherwise such a name is refused.
    #[must_use]
    pub fn create_unknown_user(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Ends the session of a request that comes through a proxy without the header: whoever logged in otherwise, and is
    /// nobody to the proxy any more, is logged out.
    #[must_use]
    pub fn force_logout_if_no_header(mut self, forced: bool) -> Self {
        self.forced = forced;
        self
    }

    /// Whether a gateway could take it for the header.
    fn looks_alike(&self, other: &HeaderName) -> bool {
        let same = |(a, b): (u8, u8)| a == b || (b"-_".contains(&a) && b"-_".contains(&b));
        other != self.header
            && other.as_str().len() == self.header.as_str().len()
            && other.as_str().bytes().zip(self.header.as_str().bytes()).all(same)
    }
}

impl AuthenticationBackend for RemoteUserAuthentication {
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        let headers = &request.parts.headers;
        if headers.keys().any(|name| self.looks_alike(name)) {
            return Err(AuthenticationError::Malformed { reason: "a header that looks like the remote user's" });
        }
        let is_proxy = request.peer.is_some_and(|peer| self.proxies.contains(&peer.to_canonical()));
        let Some(name) = single(headers, self.header.as_str())? else {
            return Ok(if self.forced && is_proxy { Found::Missing } else { Found::Nothing });
        };
        if request.peer.is_none() {
            crate::report::failure(
                "a remote user is refused, because nobody says who is connected: serve with \
                 `into_make_service_with_connect_info::<SocketAddr>()`",
            );
        }
        if !is_proxy {
            return Err(AuthenticationError::InvalidToken {
                reason: "the remote user of somebody who is no trusted proxy",
            });
        }
        // Servers list repeated headers in one line with commas; no name has one.
        if name.is_empty() || name.len() > 254 || name.contains([',', ';']) || name.trim() != name {
            return Err(AuthenticationError::Malformed { reason: "the remote user is no single name" });
        }
        Ok(Found::Credentials(AuthCredentials::RemoteUser { username: name.to_owned(), create: self.create }))
    }

    fn challenge(&self, _: Option<&AuthenticationError>) -> Option<HeaderValue> {
        None
    }
}
