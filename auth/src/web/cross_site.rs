//! Whether an unsafe request comes from a page of this site (cross-site request forgery; OWASP's cheat sheet of that name).
//!
//! Fetch metadata decide, then `Origin`; a request with cookies and neither needs a token. One with neither cookies
//! nor these headers is not a browser's.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::Method;
use http::header::{self, HeaderName};
use http::request::Parts;

use super::cookie::{CookieConfig, Which};
use super::host;
use crate::secret::{self, MacKey};

/// What can be said of a request without looking at its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It changes nothing, comes from this site, or carries nothing that a browser would add by itself.
    Passes,
    /// It comes from elsewhere.
    Refused,
    /// It carries cookies, and an old browser says nothing of where it comes from.
    NeedsToken,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The header that carries the token.
pub(crate) const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Judges a request. `trusted` are this site's own origins, where they are configured, and others it trusts; `plain`
/// says whether this site may be on plain http.
pub(crate) fn judge(parts: &Parts, trusted: &[String], plain: bool) -> Verdict {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Verdict::Passes;
    }
    let headers = &parts.headers;
    let origin = host::single(headers, &header::ORIGIN);
    let is_trusted = || origin.is_some_and(|origin| trusted.iter().any(|known| known == origin));
    let decide = |passes: bool| if passes { Verdict::Passes } else { Verdict::Refused };
    if headers.contains_key(&SEC_FETCH_SITE) {
        let site = host::single(headers, &SEC_FETCH_SITE);
        return decide(matches!(site, Some("same-origin" | "none")) || is_trusted());
    }
    if headers.contains_key(header::ORIGIN) {
        let own = || {
            let sent_to = host::authority(parts).filter(|host| !host.is_empty() && !host.contains('@'));
            origin.and_then(|origin| origin.split_once("://")).is_some_and(|(scheme, host)| {
                (scheme == "https" || (scheme == "http" && plain))
                    && sent_to.is_some_and(|to| to.eq_ignore_ascii_case(host))
            })
        };
        return decide(is_trusted() || (trusted.is_empty() && own()));
    }
    if headers.contains_key(header::COOKIE) || headers.contains_key(header::AUTHORIZATION) {
        return Verdict::NeedsToken;
    }
    Verdict::Passes
}

/// Makes and checks the tokens: a MAC over the session's cookie, before login over a random cookie of its own,
/// masked so that it looks different every time (BREACH).
#[derive(Clone, Debug)]
pub(crate) struct CsrfToken {
    key: MacKey,
}

const BYTES: usize = 32;

impl CsrfToken {
    pub(crate) fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// A token for whoever makes this request, and the value of a random cookie to set, if there is nothing yet to bind it to.
    pub(crate) fn issue(&self, cookies: &CookieConfig, parts: &Parts) -> (String, Option<String>) {
        if let Some((which, value)) = binding(cookies, parts) {
            return (self.masked(which, value), None);
        }
        let cookie = Base64UrlUnpadded::encode_string(&secret::random::<BYTES>());
        (self.masked(Which::Csrf, cookie.as_bytes()), Some(cookie))
    }

    /// Whether the token was issued to whoever makes this request.
    pub(crate) fn verify(&self, cookies: &CookieConfig, parts: &Parts, token: &str) -> bool {
        let mut bytes = [0; 2 * BYTES];
        let decoded = Base64UrlUnpadded::decode(token, &mut bytes).is_ok_and(|decoded| decoded.len() == 2 * BYTES);
        let Some((which, value)) = binding(cookies, parts).filter(|_| decoded) else { return false };
        let (mask, masked) = bytes.split_at(BYTES);
        let tag: Vec<u8> = mask.iter().zip(masked).map(|(m, t)| m ^ t).collect();
        self.key.verify(&[label(which), value], &tag)
    }

    fn masked(&self, which: Which, value: &[u8]) -> String {
        let (mask, tag) = (secret::random::<BYTES>(), self.key.sign(&[label(which), value]));
        let mut bytes = [0; 2 * BYTES];
        bytes[..BYTES].copy_from_slice(&mask);
        bytes[BYTES..].iter_mut().zip(mask).zip(tag).for_each(|((out, m), t)| *out = m ^ t);
        Base64UrlUnpadded::encode_string(&bytes)
    }
}

/// The cookie that the token is bound to: the session's, else the random one.
fn binding<'a>(cookies: &CookieConfig, parts: &'a Parts) -> Option<(Which, &'a [u8])> {
    [Which::Session, Which::Csrf].into_iter().find_map(|which| {
        let value = cookies.read(which, parts)?;
        (value.len() == 43).then_some((which, value))
    })
}

fn label(which: Which) -> &'static [u8] {
    match which {
        Which::Session => b"session",
        Which::Csrf => b"cookie",
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::secret::SecretKey;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/").header("host", "example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn post(headers: &[(&str, &str)]) -> Verdict {
        judge(&parts("POST", headers), &[], false)
    }

    #[test]
    fn fetch_metadata_decide_first() {
        assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", "null")]), Verdict::Passes);
        assert_eq!(post(&[("sec-fetch-site", "none")]), Verdict::Passes);
        for site in ["cross-site", "same-site", "", "same-origin, none", "Same-Origin"] {
            let headers = [("sec-fetch-site", site), ("origin", "https://example.com")];
            assert_eq!(post(&headers), Verdict::Refused, "{site}");
        }
        assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]), Verdict::Refused);
    }

    #[test]
    fn then_the_origin_decides() {
        assert_eq!(post(&[("origin", "https://example.com"), ("cookie", "a=b")]), Verdict::Passes);
        for origin in [
            "https://evil.com",
            "http://example.com",
            "null",
            "https://example.com.evil.com",
            "https://example.com:8443",
            "example.com",
            "ftp://example.com",
        ] {
            assert_eq!(post(&[("origin", origin)]), Verdict::Refused, "{origin}");
        }
    }

    #[test]
    fn configured_origins_are_exact() {
        let trusted = ["https://app.example.com".to_owned()];
        let judged = |origin| judge(&parts("POST", &[("origin", origin)]), &trusted, true);
        assert_eq!(judged("https://app.example.com"), Verdict::Passes);
        assert_eq!(judged("https://example.com"), Verdict::Refused);
        assert_eq!(judged("http://app.example.com"), Verdict::Refused);
    }

    #[test]
    fn cookies_without_either_need_a_token_and_no_browser_needs_none() {
        assert_eq!(post(&[("cookie", "a=b")]), Verdict::NeedsToken);
        assert_eq!(post(&[]), Verdict::Passes);
        assert_eq!(judge(&parts("GET", &[("sec-fetch-site", "cross-site")]), &[], false), Verdict::Passes);
        assert_eq!(judge(&parts("TRACE", &[("sec-fetch-site", "cross-site")]), &[], false), Verdict::Refused);
    }

    #[test]
    fn a_token_belongs_to_its_cookie() {
        let cookies = CookieConfig::new("session", false);
        let tokens = CsrfToken::new(SecretKey::random().derive("csrf"));
        let (token, cookie) = tokens.issue(&cookies, &parts("GET", &[]));
        let cookie = cookie.unwrap();
        let header = format!("__Host-session-csrf={cookie}");
        let sent = parts("POST", &[("cookie", &header)]);
        assert!(tokens.verify(&cookies, &sent, &token));
        let (again, none) = tokens.issue(&cookies, &sent);
        assert_ne!(token, again, "masked");
        assert!(none.is_none() && tokens.verify(&cookies, &sent, &again));

        let other = format!("__Host-session-csrf={}", "A".repeat(43));
        assert!(!tokens.verify(&cookies, &parts("POST", &[("cookie", &other)]), &token));
        // The same text as a session's cookie is another thing, and a session's cookie comes first.
        let as_session = format!("__Host-session={cookie}; {header}");
        assert!(!tokens.verify(&cookies, &parts("POST", &[("cookie", &as_session)]), &token));
        for bad in ["", "x", &token[1..], &"A".repeat(86), &"A".repeat(100_000)] {
            assert!(!tokens.verify(&cookies, &sent, bad));
        }
        let foreign = CsrfToken::new(SecretKey::random().derive("csrf"));
        assert!(!foreign.verify(&cookies, &sent, &token));
    }
}
