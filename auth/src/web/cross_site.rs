//! Whether an unsafe request comes from a page of this site (cross-site request forgery; OWASP's cheat sheet of that name).
//!
//! Fetch metadata decide, then `Origin`; a request with cookies and neither needs a token. One with neither cookies
//! nor these headers is not a browser's.

use http::Method;
use http::header::{self, HeaderName};
use http::request::Parts;

use super::host;

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

/// Whether a request that changes something says nothing of where it comes from.
pub(crate) fn says_nothing(parts: &Parts) -> bool {
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    !is_safe && !parts.headers.contains_key(&SEC_FETCH_SITE) && !parts.headers.contains_key(header::ORIGIN)
}

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
    if let Some(passes) = is_from_here(parts, trusted, plain) {
        return decide(passes);
    }
    if headers.contains_key(header::COOKIE) || headers.contains_key(header::AUTHORIZATION) {
        return Verdict::NeedsToken;
    }
    Verdict::Passes
}

/// Whether the request comes from a page of this site, or of one that it trusts, by its `Origin`; nothing without one.
pub(crate) fn is_from_here(parts: &Parts, trusted: &[String], plain: bool) -> Option<bool> {
    if !parts.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let origin = host::single(&parts.headers, &header::ORIGIN);
    let is_trusted = || origin.is_some_and(|origin| trusted.iter().any(|known| known == origin));
    let own = || {
        let sent_to = host::authority(parts).filter(|host| !host.is_empty() && !host.contains('@'));
        origin.and_then(|origin| origin.split_once("://")).is_some_and(|(scheme, host)| {
            (scheme == "https" || (scheme == "http" && plain))
                && sent_to.is_some_and(|to| to.eq_ignore_ascii_case(host))
        })
    };
    Some(is_trusted() || (trusted.is_empty() && own()))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

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
}
