//! The cookies: what they are called where, and how they are read and written.

use std::sync::Arc;

use cookie::Cookie;
use http::HeaderValue;
use http::header::{self, HeaderMap};
use http::request::Parts;

use super::host;
use crate::sessions::{HttpSessionConfig, MaxAge, SameSite};

/// How the cookies are called and when they may travel over plain http.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: HttpSessionConfig,
    session: Names,
    csrf: Names,
    device: Names,
    /// Whether this site may be served on a loopback name at all.
    loopback: bool,
}

/// `__Host-session` where the connection is secure, `session` on loopback names.
#[derive(Debug)]
struct Names {
    secure: String,
    plain: String,
}

impl Names {
    fn new(prefix: &str, name: String) -> Self {
        Self { secure: format!("{prefix}{name}"), plain: name }
    }
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Session,
    Csrf,
    /// What a device keeps of a login, to be known by.
    Device,
}

impl Cookies {
    /// The cookies of a site. One whose origins are known, none of them on a loopback name, is not there: a proxy rewrote
    /// the host.
    pub(crate) fn new(config: HttpSessionConfig, origins: &[String]) -> Self {
        let prefix = if config.host_prefix { "__Host-" } else { "__Secure-" };
        let [session, csrf, device] =
            ["", "-csrf", "-device"].map(|of| Names::new(prefix, format!("{}{of}", config.name)));
        let loopback = origins.is_empty() || origins.iter().any(|origin| host::is_loopback_origin(origin));
        Self { inner: Arc::new(Inner { config, session, csrf, device, loopback }) }
    }

    /// The cookies of one request.
    pub(crate) fn jar(&self, parts: &Parts) -> Jar {
        let local = self.inner.loopback && host::is_loopback(parts);
        Jar { inner: self.inner.clone(), local }
    }
}

/// The cookies of one request, for an answer that is written when the request is gone.
#[derive(Clone, Debug)]
pub(crate) struct Jar {
    inner: Arc<Inner>,
    local: bool,
}

impl Jar {
    /// Whether the request may travel over plain http.
    pub(crate) fn may_be_plain(&self) -> bool {
        self.local || self.inner.config.insecure
    }

    /// The cookie's value. Sent more than once it is not trusted: one of them could be a neighbour's (RFC 6265bis §4.1.3).
    pub(crate) fn read<'a>(&self, which: Which, parts: &'a Parts) -> Option<&'a [u8]> {
        read(&parts.headers, self.name(which).as_bytes())
    }

    /// The most bytes of the session cookie's value: browsers drop a cookie that is longer with all that is said of it.
    #[cfg(feature = "session-cookie")]
    pub(crate) fn room(&self) -> usize {
        crate::sessions::CookieSessionBackend::MAX_COOKIE
            .saturating_sub(self.write(Which::Session, Some(("", i64::MAX))).len())
    }

    /// A header that sets the cookie for as many seconds at the most; without a value, one that removes it.
    pub(crate) fn write(&self, which: Which, value: Option<(&str, i64)>) -> HeaderValue {
        let config = &self.inner.config;
        let plain = self.may_be_plain();
        let same_site = match config.same_site {
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::None if !plain => cookie::SameSite::None,
            // Browsers drop `None` that is not `Secure`.
            SameSite::Lax | SameSite::None => cookie::SameSite::Lax,
        };
        let (text, seconds) = value.unwrap_or_default();
        let http_only = config.http_only || which != Which::Session;
        let mut cookie = Cookie::build((self.name(which), text)).path(&config.path).http_only(http_only);
        cookie = cookie.same_site(same_site).secure(!plain);
        if let Some(domain) = config.domain.as_ref().filter(|_| !self.local) {
            cookie = cookie.domain(domain);
        }
        let seconds = match config.max_age {
            _ if value.is_none() => Some(0),
            _ if which == Which::Device => Some(seconds),
            MaxAge::OfTheSession => Some(seconds),
            MaxAge::AtMost(age) => Some(seconds.min(age.num_seconds())),
            MaxAge::UntilBrowserCloses => None,
        };
        let max_age = seconds.map(|seconds| format!("; Max-Age={}", seconds.max(0))).unwrap_or_default();
        let text = format!("{}{max_age}", cookie.build());
        HeaderValue::try_from(text).expect("the configuration was checked, values are base64")
    }

    fn name(&self, which: Which) -> &str {
        let names = match which {
            Which::Session => &self.inner.session,
            Which::Csrf => &self.inner.csrf,
            Which::Device => &self.inner.device,
        };
        if self.may_be_plain() { &names.plain } else { &names.secure }
    }
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
        let found = Cookies::new(HttpSessionConfig::new(), &[]).jar(&parts).read(Which::Session, &parts)?;
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

    fn set(config: HttpSessionConfig, host: &str, value: Option<(&str, i64)>) -> HeaderValue {
        config.check().unwrap();
        Cookies::new(config, &[]).jar(&parts(host, &[])).write(Which::Session, value)
    }

    #[test]
    fn the_cookie_is_locked_down() {
        let config = HttpSessionConfig::new;
        let secure = set(config(), "example.com", Some(("v", 60)));
        assert_eq!(secure, "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        let plain = set(config(), "localhost", None);
        assert_eq!(plain, "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
        let jar = Cookies::new(config().insecure_cookies(), &[]).jar(&parts("example.com", &[]));
        let opted_out = jar.write(Which::Csrf, Some(("v", 1)));
        assert_eq!(opted_out, "session-csrf=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=1");
    }

    #[test]
    fn every_setting_is_in_the_cookie() {
        let config = || HttpSessionConfig::new().name("id");
        let wide = config().without_host_prefix().domain("example.com").path("/app").same_site(SameSite::None);
        for (config, host, expected) in [
            (
                wide.clone(),
                "a.example.com",
                "__Secure-id=v; HttpOnly; SameSite=None; Secure; Path=/app; Domain=example.com; Max-Age=60",
            ),
            (wide, "localhost:80", "id=v; HttpOnly; SameSite=Lax; Path=/app; Max-Age=60"),
            (
                config().same_site(SameSite::Strict),
                "a.com",
                "__Host-id=v; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60",
            ),
            (config().expires_at_browser_close(), "a.com", "__Host-id=v; HttpOnly; SameSite=Lax; Secure; Path=/"),
            (
                config().max_age(chrono::TimeDelta::seconds(9)),
                "a.com",
                "__Host-id=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=9",
            ),
            (
                config().max_age(chrono::TimeDelta::hours(9)),
                "a.com",
                "__Host-id=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60",
            ),
            (
                config().allow_scripts_to_read_the_cookie(),
                "a.com",
                "__Host-id=v; SameSite=Lax; Secure; Path=/; Max-Age=60",
            ),
        ] {
            assert_eq!(set(config, host, Some(("v", 60))), expected);
        }
        let gone = set(config().expires_at_browser_close(), "a.com", None);
        assert_eq!(gone, "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
    }
}
