//! The two cookies: what they are called where, and how they are read and written.

use std::sync::Arc;

use cookie::{Cookie, SameSite};
use http::HeaderValue;
use http::header::{self, HeaderMap};
use http::request::Parts;

use super::host;

/// How the cookies are called and when they may travel over plain http.
#[derive(Clone, Debug)]
pub(crate) struct CookieConfig {
    session: Names,
    csrf: Names,
    insecure: bool,
    /// Whether this site may be served on a loopback name at all.
    loopback: bool,
}

/// `__Host-session` where the connection is secure, `session` on loopback names.
#[derive(Clone, Debug)]
struct Names {
    secure: Arc<str>,
    plain: Arc<str>,
}

impl Names {
    fn new(name: &str) -> Self {
        Self { secure: format!("__Host-{name}").into(), plain: name.into() }
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Session,
    Csrf,
}

impl CookieConfig {
    pub(crate) fn new(name: &str, insecure: bool) -> Self {
        Self { session: Names::new(name), csrf: Names::new(&format!("{name}-csrf")), insecure, loopback: true }
    }

    /// A site whose origins are known, none of them on a loopback name, is not there: a proxy rewrote the host.
    pub(crate) fn for_origins(self, origins: &[String]) -> Self {
        Self { loopback: origins.is_empty() || origins.iter().any(|origin| host::is_loopback_origin(origin)), ..self }
    }

    /// Whether the request may travel over plain http.
    pub(crate) fn may_be_plain(&self, parts: &Parts) -> bool {
        self.insecure || (self.loopback && host::is_loopback(parts))
    }

    /// The cookie's value. Sent more than once it is not trusted: one of them could be a neighbour's (RFC 6265bis §4.1.3).
    pub(crate) fn read<'a>(&self, which: Which, parts: &'a Parts) -> Option<&'a [u8]> {
        read(&parts.headers, self.name(which, parts).0.as_bytes())
    }

    /// A header that sets the cookie; without a value, one that removes it.
    pub(crate) fn write(&self, which: Which, parts: &Parts, value: Option<(&str, i64)>) -> HeaderValue {
        let (name, secure) = self.name(which, parts);
        set_cookie(name, secure, value)
    }

    /// Decides the session cookie's name while the request is at hand, for an answer that is written when it is gone.
    pub(crate) fn jar(&self, parts: &Parts) -> Jar {
        let (name, secure) = self.name(Which::Session, parts);
        Jar { name: name.clone(), secure }
    }

    fn name(&self, which: Which, parts: &Parts) -> (&Arc<str>, bool) {
        let names = match which {
            Which::Session => &self.session,
            Which::Csrf => &self.csrf,
        };
        let secure = !self.may_be_plain(parts);
        (if secure { &names.secure } else { &names.plain }, secure)
    }
}

/// The session cookie's name for one request.
#[derive(Clone, Debug)]
pub(crate) struct Jar {
    name: Arc<str>,
    secure: bool,
}

impl Jar {
    /// The same as [`CookieConfig::read`].
    pub(crate) fn read<'a>(&self, parts: &'a Parts) -> Option<&'a [u8]> {
        read(&parts.headers, self.name.as_bytes())
    }

    pub(crate) fn write(&self, value: Option<(&str, i64)>) -> HeaderValue {
        set_cookie(&self.name, self.secure, value)
    }
}

fn set_cookie(name: &str, secure: bool, value: Option<(&str, i64)>) -> HeaderValue {
    let (value, seconds) = value.unwrap_or(("", 0));
    let cookie = Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(secure);
    let text = format!("{}; Max-Age={}", cookie.build(), seconds.max(0));
    HeaderValue::try_from(text).expect("names are checked when they are set, values are base64")
}

fn read<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let pairs = headers.get_all(header::COOKIE).iter().flat_map(|line| line.as_bytes().split(|b| *b == b';'));
    let mut found = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="));
    let value = found.next()?;
    if found.next().is_some() {
        tracing::warn!("a cookie came more than once; none of them is trusted");
        return None;
    }
    Some(value)
}

/// Whether a cookie may be called that: a token (RFC 6265 §4.1.1) without a prefix of its own.
pub(crate) fn is_cookie_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(token) && !name.starts_with("__")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(host: &str, cookies: &[&str]) -> Parts {
        let mut request = Request::builder().uri("/").header("host", host);
        for cookie in cookies {
            request = request.header("cookie", *cookie);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn session(host: &str, cookies: &[&str]) -> Option<String> {
        let parts = parts(host, cookies);
        let found = CookieConfig::new("session", false).read(Which::Session, &parts)?;
        Some(String::from_utf8_lossy(found).into_owned())
    }

    #[test]
    fn a_plain_cookie_counts_on_loopback_names_only() {
        assert_eq!(session("localhost:8000", &["a=b; session=x"]).as_deref(), Some("x"));
        assert_eq!(session("example.com", &["a=b; session=x"]), None);
        assert_eq!(session("example.com", &["a=b;__Host-session=x"]).as_deref(), Some("x"));
    }

    #[test]
    fn a_cookie_that_comes_twice_is_not_trusted() {
        assert_eq!(session("localhost", &["session=x; session=y"]), None);
        assert_eq!(session("localhost", &["session=x", "session=x"]), None);
        assert_eq!(session("localhost", &["sessions=x; session=y; xsession=z"]).as_deref(), Some("y"));
    }

    #[test]
    fn malformed_cookies_are_no_cookies() {
        for bad in ["", ";;;", "session", "=session", "session x", "\"session=x"] {
            assert_eq!(session("localhost", &[bad]), None, "{bad}");
        }
    }

    #[test]
    fn the_cookie_is_locked_down() {
        let config = CookieConfig::new("session", false);
        let secure = config.write(Which::Session, &parts("example.com", &[]), Some(("v", 60)));
        assert_eq!(secure, "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        let plain = config.write(Which::Session, &parts("localhost", &[]), None);
        assert_eq!(plain, "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
        let opted_out =
            CookieConfig::new("session", true).write(Which::Csrf, &parts("example.com", &[]), Some(("v", 1)));
        assert_eq!(opted_out, "session-csrf=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=1");
    }
}
