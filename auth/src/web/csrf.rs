//! The tokens of requests that say nothing of where they come from.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::header::HeaderName;
use http::request::Parts;
use zeroize::Zeroizing;

use super::cookie::{Jar, Which};
use crate::secret::{self, MacKey};
use crate::sessions::Carrier;

/// The header that carries the token.
pub(crate) const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// How long the cookie lives that tokens are bound to before login, in seconds.
pub(crate) const CSRF_SECONDS: i64 = 24 * 60 * 60;

/// Makes and checks the tokens: a MAC over the session's cookie, before login over a random cookie of its own,
/// masked so that it looks different every time (BREACH).
#[derive(Clone, Debug)]
pub(crate) struct CsrfTokens {
    key: MacKey,
}

const BYTES: usize = 32;

impl CsrfTokens {
    pub(crate) fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// The value of a random cookie to set, if there is nothing yet to bind a token to.
    pub(crate) fn fresh(carrier: &Carrier, jar: &Jar, parts: &Parts) -> Option<String> {
        let random = || Base64UrlUnpadded::encode_string(&secret::random::<BYTES>());
        binding(carrier, jar, parts).is_none().then(random)
    }

    /// A token for whoever makes this request, or has that fresh cookie.
    pub(crate) fn issue(&self, carrier: &Carrier, jar: &Jar, parts: &Parts, fresh: Option<&str>) -> String {
        let fresh = || (Which::Csrf, fresh.unwrap_or_default().as_bytes().to_vec().into());
        let (which, value) = binding(carrier, jar, parts).unwrap_or_else(fresh);
        self.masked(which, &value)
    }

    /// Whether the token was issued to whoever makes this request.
    pub(crate) fn verify(&self, carrier: &Carrier, jar: &Jar, parts: &Parts, token: &str) -> bool {
        let mut bytes = [0; 2 * BYTES];
        let decoded = Base64UrlUnpadded::decode(token, &mut bytes).is_ok_and(|decoded| decoded.len() == 2 * BYTES);
        let Some((which, value)) = binding(carrier, jar, parts).filter(|_| decoded) else { return false };
        let (mask, masked) = bytes.split_at(BYTES);
        let tag: Vec<u8> = mask.iter().zip(masked).map(|(m, t)| m ^ t).collect();
        self.key.verify(&[label(which), &value], &tag)
    }

    fn masked(&self, which: Which, value: &[u8]) -> String {
        let (mask, tag) = (secret::random::<BYTES>(), self.key.sign(&[label(which), value]));
        let mut bytes = [0; 2 * BYTES];
        bytes[..BYTES].copy_from_slice(&mask);
        bytes[BYTES..].iter_mut().zip(mask).zip(tag).for_each(|((out, m), t)| *out = m ^ t);
        Base64UrlUnpadded::encode_string(&bytes)
    }
}

/// What the token is bound to: the key of the session that comes with the request, else the random cookie.
fn binding(carrier: &Carrier, jar: &Jar, parts: &Parts) -> Option<(Which, Zeroizing<Vec<u8>>)> {
    let key = jar.read(Which::Session, parts).and_then(|cookie| carrier.key_in(cookie));
    let random = || jar.read(Which::Csrf, parts).filter(|value| value.len() == 43);
    let bound = |which, value: &[u8]| (which, Zeroizing::new(value.to_vec()));
    match key {
        Some(key) => Some(bound(Which::Session, key.expose().as_bytes())),
        None => random().map(|value| bound(Which::Csrf, value)),
    }
}

fn label(which: Which) -> &'static [u8] {
    match which {
        Which::Session => b"session",
        Which::Csrf => b"cookie",
        Which::Device => b"device",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::secret::SecretKey;
    use crate::sessions::{HttpSessionConfig, InMemorySessionBackend};
    use crate::web::cookie::Cookies;

    fn parts(cookie: &str) -> Parts {
        let request = Request::post("/").header("host", "example.com").header("cookie", cookie);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_token_belongs_to_its_cookie() {
        let carrier = Carrier::Key(Arc::new(InMemorySessionBackend::new()));
        let jar = Cookies::new(HttpSessionConfig::new(), &[]).jar(&parts(""));
        let tokens = CsrfTokens::new(SecretKey::random().derive("csrf"));
        let cookie = CsrfTokens::fresh(&carrier, &jar, &parts("")).unwrap();
        let token = tokens.issue(&carrier, &jar, &parts(""), Some(&cookie));
        let header = format!("__Host-session-csrf={cookie}");
        let sent = parts(&header);
        assert!(tokens.verify(&carrier, &jar, &sent, &token));
        let again = tokens.issue(&carrier, &jar, &sent, None);
        assert_ne!(token, again, "masked");
        assert_eq!(CsrfTokens::fresh(&carrier, &jar, &sent), None);
        assert!(tokens.verify(&carrier, &jar, &sent, &again));

        let other = format!("__Host-session-csrf={}", "A".repeat(43));
        assert!(!tokens.verify(&carrier, &jar, &parts(&other), &token));
        // The same text as a session's cookie is another thing, and a session's cookie comes first.
        let as_session = format!("__Host-session={cookie}; {header}");
        assert!(!tokens.verify(&carrier, &jar, &parts(&as_session), &token));
        for bad in ["", "x", &token[1..], &"A".repeat(86), &"A".repeat(100_000)] {
            assert!(!tokens.verify(&carrier, &jar, &sent, bad));
        }
        let foreign = CsrfTokens::new(SecretKey::random().derive("csrf"));
        assert!(!foreign.verify(&carrier, &jar, &sent, &token));
    }
}
