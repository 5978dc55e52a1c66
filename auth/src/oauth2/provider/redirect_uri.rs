//! Where codes are sent: what may be registered, and what is the same as what was registered (RFC 9700 §4.1, RFC 8252).

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

const LONGEST: usize = 1024;

/// Says what is wrong with a redirect URI that is to be registered.
///
/// What is written differently by different programs is refused: it must be what a browser makes of it.
pub(super) fn check(uri: &str) -> Result<(), &'static str> {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}*#".contains(&b);
    if uri.len() > LONGEST || !uri.bytes().all(is_plain) {
        return Err("it has a fragment, a wildcard, or characters that no URI has, or more than 1024 of them");
    }
    let url = Url::parse(uri).map_err(|_| "it is not absolute")?;
    if url.as_str() != uri && url.as_str().strip_suffix('/') != Some(uri) {
        return Err("it is not written as browsers write it");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(uri).contains('@') {
        return Err("it names a user");
    }
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(host)) if !is_nameable(&host) => {
            Err("its host has something else than letters, digits and hyphens between dots")
        }
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if is_loopback(&host) => Ok(()),
        ("http" | "https", _) => Err("it is not https, and not http to this machine either"),
        // RFC 8252 §7.1: a domain of the application's own, in reverse.
        (scheme, _) if scheme.contains('.') => Ok(()),
        _ => Err("a private scheme has a domain's name, in reverse: `com.example.app`"),
    }
}

/// Whether that is the one that was registered: byte by byte, but for the port on this machine, which a native application does
/// not know before (RFC 8252 §7.3).
pub(super) fn is_same(registered: &str, given: &str) -> bool {
    registered == given || matches!((on_loopback(registered), on_loopback(given)), (Some(a), Some(b)) if a == b)
}

/// Whether nobody but its owner can be at the other end: another application can take a private scheme, or a port.
pub(super) fn proves_client(uri: &str) -> bool {
    uri.starts_with("https://")
}

/// What `form-action` must allow so that a page may be redirected there (Content Security Policy Level 3 §2.3.1).
#[cfg(any(feature = "web-axum", test))]
pub(crate) fn csp_source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(host)) if !is_nameable(&host) => None,
        // An address in brackets is none that a policy can name.
        (scheme @ ("http" | "https"), Some(Host::Ipv6(_))) => Some(format!("{scheme}:")),
        ("http" | "https", Some(_)) => Some(url.origin().ascii_serialization()),
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// Whether a policy can name it (Content Security Policy Level 3 §2.3.1, `host-part`). URLs may have more: a `;` would begin
/// another directive, and a `,` another policy.
fn is_nameable(host: &Host<&str>) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match host {
        Host::Domain(name) => name.strip_suffix('.').unwrap_or(name).split('.').all(is_label),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

fn authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => *ip == Ipv4Addr::LOCALHOST,
        Host::Ipv6(ip) => IpAddr::V6(*ip).is_loopback(),
    }
}

/// Host and what follows the port, where it is this machine by address. `localhost` may be somebody else's (RFC 8252 §8.3).
fn on_loopback(uri: &str) -> Option<(&str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = rest.split_at(digits);
            let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
            is_port.then_some(rest)?
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_taken_for_another_is_registered() {
        for good in [
            "https://client.example/cb",
            "https://client.example",
            "https://client.example:8443/cb?tenant=1",
            "http://127.0.0.1/cb",
            "http://[::1]:9000/cb",
            "http://localhost:3000/cb",
            "com.example.app:/cb",
            "https://xn--bcher-kva.client-1.example./cb",
            "https://192.0.2.7/cb",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "client.example/cb",
            "//client.example/cb",
            "http://client.example/cb",
            "http://127.0.0.2/cb",
            "http://localhost.evil.example/cb",
            "https://client.example/cb#here",
            "https://*.client.example/cb",
            "https://user@client.example/cb",
            "https://@client.example/cb",
            "https://user:password@client.example/cb",
            "https://CLIENT.example/cb",
            "https://client.example:443/cb",
            "https://client.example/a/../cb",
            "https://client.example/a b",
            "https://client.example\\@evil.example/cb",
            "https:client.example/cb",
            "https:///client.example/cb",
            "https://",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "ftp://client.example/cb",
            "https://cl\u{ef}ent.example/cb",
            "https://client.example;script-src/cb",
            "https://client.example,evil.example/cb",
            "https://'unsafe-inline'/cb",
            "https://client_1.example/cb",
            "https://client..example/cb",
            &format!("https://client.example/{}", "a".repeat(1024)),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_this_machine_may_differ() {
        let same = |registered, given| is_same(registered, given);
        assert!(same("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
        assert!(same("http://[::1]:1/cb?x=1", "http://[::1]:65535/cb?x=1"));
        for given in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:080/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:1.evil.example/cb",
            "http://[::1]:1/cb",
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:1/cb/",
            "http://127.0.0.1:1/cb?x",
        ] {
            assert!(!same("http://127.0.0.1/cb", given), "{given}");
        }
        assert!(!same("http://localhost:1/cb", "http://localhost:2/cb"));
    }

    #[test]
    fn a_page_may_lead_to_the_client_and_nowhere_else() {
        for (uri, source) in [
            ("https://client.example/cb?a=b", "https://client.example"),
            ("https://client.example:8443/cb", "https://client.example:8443"),
            ("http://127.0.0.1:51004/cb", "http://127.0.0.1:51004"),
            ("http://[::1]:51004/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
        ] {
            assert_eq!(csp_source(uri).as_deref(), Some(source));
        }
        for uri in ["https://client.example;script-src/cb", "https://client.example,evil.example/cb"] {
            assert_eq!(csp_source(uri), None);
        }
    }
}
