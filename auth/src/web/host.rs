//! The host a request was sent to, as far as it can be believed.

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;

/// The host and port that the request names, from the target (HTTP/2) or the one `Host` header.
pub(super) fn authority(parts: &Parts) -> Option<&str> {
    if let Some(authority) = parts.uri.authority() {
        return Some(authority.as_str());
    }
    single(&parts.headers, &header::HOST)
}

/// The header's value, if it is there exactly once and is text.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether the request was sent to a loopback name, straight: not through a proxy that says so, and not from a page
/// on another host. (For a proxy that rewrites `Host` to `localhost` and says nothing, configure the site's origin.)
pub(super) fn is_loopback(parts: &Parts) -> bool {
    const PROXY: [HeaderName; 5] = [
        header::FORWARDED,
        header::VIA,
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("x-forwarded-host"),
        HeaderName::from_static("x-forwarded-proto"),
    ];
    let origin = single(&parts.headers, &header::ORIGIN);
    authority(parts).is_some_and(is_loopback_name)
        && !PROXY.iter().any(|name| parts.headers.contains_key(name))
        && origin.is_none_or(|origin| origin == "null" || is_loopback_origin(origin))
}

/// Whether an origin, `http://localhost:8000`, is on a loopback name.
pub(super) fn is_loopback_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, authority)| is_loopback_name(authority))
}

/// Whether the name, with or without a port, can only mean this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3).
fn is_loopback_name(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_end_matches('.');
    let last_label = host.rsplit('.').next().unwrap_or_default();
    let v4 = || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    last_label.eq_ignore_ascii_case("localhost") || host == "[::1]" || v4()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn loopback(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_loopback(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn loopback_names_are_loopback() {
        for host in
            ["localhost", "localhost:8000", "LOCALHOST.", "a.localhost:1", "127.0.0.1:80", "127.9.9.9", "[::1]:8"]
        {
            assert!(loopback(&[("host", host)]), "{host}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for host in
            ["localhost.example.com", "example.com", "127.0.0.1.example.com", "[::2]", "", "10.0.0.1", "0.0.0.0"]
        {
            assert!(!loopback(&[("host", host)]), "{host}");
        }
        assert!(!loopback(&[]));
        assert!(!loopback(&[("host", "localhost"), ("host", "localhost")]));
    }

    #[test]
    fn a_proxy_or_a_page_from_elsewhere_is_no_loopback() {
        assert!(!loopback(&[("host", "localhost"), ("x-forwarded-proto", "https")]));
        assert!(!loopback(&[("host", "localhost"), ("via", "1.1 proxy")]));
        assert!(!loopback(&[("host", "localhost"), ("origin", "https://example.com")]));
        assert!(loopback(&[("host", "localhost:1"), ("origin", "http://localhost:1")]));
    }
}
