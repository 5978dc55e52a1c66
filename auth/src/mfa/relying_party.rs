use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// The site as passkeys know it: bound to the host of the first origin that they can be bound to, and answering pages of this
/// and of the other origins under that host. `None`, if there is no such origin.
pub(super) fn relying_party(name: &str, origins: impl IntoIterator<Item = impl AsRef<str>>) -> Option<Webauthn> {
    let origins: Vec<Url> = origins.into_iter().filter_map(|origin| trustworthy(origin.as_ref())).collect();
    let first = origins.first()?;
    let host = first.domain()?;
    let under = |origin: &&Url| {
        origin
            .domain()
            .and_then(|domain| domain.strip_suffix(host))
            .is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    };
    let builder = WebauthnBuilder::new(host, first).ok()?.rp_name(name);
    let builder = origins[1..].iter().filter(under).fold(builder, WebauthnBuilder::append_allowed_origin);
    builder.build().ok()
}

/// Browsers have passkeys for names only, by https or on the same machine (WebAuthn Level 3 §5.1.3).
fn trustworthy(origin: &str) -> Option<Url> {
    let url = Url::parse(origin).ok()?;
    let Some(Host::Domain(domain)) = url.host() else { return None };
    let is_local = domain == "localhost" || domain.ends_with(".localhost");
    (url.scheme() == "https" || (url.scheme() == "http" && is_local)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::relying_party;

    fn origins(of: &[&str]) -> Option<Vec<String>> {
        let party = relying_party("Blog", of)?;
        Some(party.get_allowed_origins().iter().map(|url| url.origin().ascii_serialization()).collect())
    }

    #[test]
    fn the_first_origin_that_browsers_trust_names_the_host() {
        assert_eq!(origins(&[]), None);
        for unfit in
            ["http://example.com", "https://192.0.2.7", "http://127.0.0.1:3000", "https://[::1]", "example.com"]
        {
            assert_eq!(origins(&[unfit]), None, "{unfit}");
        }
        assert_eq!(origins(&["http://localhost:3000"]).as_deref(), Some(&["http://localhost:3000".to_owned()][..]));
        let several = origins(&[
            "http://127.0.0.1",
            "https://example.com",
            "https://www.example.com",
            "https://badexample.com",
            "https://example.org",
            "https://example.com:8443",
        ]);
        let expected = ["https://example.com", "https://www.example.com", "https://example.com:8443"];
        assert_eq!(several, Some(expected.map(str::to_owned).to_vec()));
    }
}
