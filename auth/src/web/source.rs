//! Where a request comes from.

use std::net::IpAddr;

use http::HeaderName;
use http::header::HeaderMap;

/// The address that limits count by. Forwarded addresses count only from configured proxies, read from the right: what
/// stands further left the client may have written itself (ASVS 4.1.3).
pub(crate) fn source(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let trusted = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == *address);
    if !trusted(&peer) {
        return Some(peer);
    }
    let lines: Vec<_> = headers.get_all(HeaderName::from_static("x-forwarded-for")).iter().collect();
    let mut source = peer;
    for entry in lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|b| *b == b',')) {
        let text = std::str::from_utf8(entry).ok().map(str::trim);
        let Some(address) = text.and_then(|text| text.parse::<IpAddr>().ok()) else { break };
        source = address.to_canonical();
        if !trusted(&source) {
            break;
        }
    }
    Some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str], proxies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies: Vec<IpAddr> = proxies.iter().map(|p| p.parse().unwrap()).collect();
        source(peer.parse().ok(), &headers, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn a_stranger_cannot_say_where_it_comes_from() {
        assert_eq!(from("9.9.9.9", &["1.1.1.1"], &["10.0.0.1"]).as_deref(), Some("9.9.9.9"));
        assert_eq!(from("9.9.9.9", &["1.1.1.1"], &[]).as_deref(), Some("9.9.9.9"));
        assert_eq!(from("", &["1.1.1.1"], &["10.0.0.1"]), None);
    }

    #[test]
    fn a_proxy_tells_the_last_address_that_is_no_proxy() {
        let proxies = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], &proxies).as_deref(), Some("1.1.1.1"));
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "1.1.1.1"], &proxies).as_deref(), Some("1.1.1.1"));
        assert_eq!(from("::ffff:10.0.0.1", &["2001:db8::1"], &proxies).as_deref(), Some("2001:db8::1"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, rubbish"], &proxies).as_deref(), Some("10.0.0.1"));
        assert_eq!(from("10.0.0.1", &[], &proxies).as_deref(), Some("10.0.0.1"));
    }
}
