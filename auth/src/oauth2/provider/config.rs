use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use super::oidc::IdTokens;
use super::{OAuth2Error, Scope, SigningKeys};
use crate::clock::Clock;
use crate::records::DynRecordStore;
use crate::secret::SecretKey;
use crate::tokens::{JwtAlgorithm, KeyRing};

/// The settings of the provider: [`AuthBuilder::oauth2`](crate::accounts::AuthBuilder::oauth2) takes them.
///
/// ```
/// use auth::oauth2::provider::OAuth2Config;
///
/// let config = OAuth2Config::new("https://accounts.example")
///     .scope("photos.read_photo", "See your photos")
///     .audience("https://api.example");
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OAuth2Config {
    pub(super) issuer: String,
    pub(super) audience: Option<String>,
    pub(super) scopes: Vec<(String, String)>,
    pub(super) keys: Option<KeyRing>,
    pub(super) access_lifetime: Duration,
    id_token_keys: Option<KeyRing>,
    id_token_algorithm: JwtAlgorithm,
    id_token_lifetime: Duration,
}

impl OAuth2Config {
    /// For the issuer of this origin, without a path or a slash at its end: what stands in `iss`, and where the endpoints are. It has
    /// https, or is `http://localhost` or a loopback address for development (RFC 8414 §2). It is never changed: clients know users
    /// by issuer and subject.
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: None,
            scopes: Vec::new(),
            keys: None,
            access_lifetime: Duration::from_mins(10),
            id_token_keys: None,
            id_token_algorithm: JwtAlgorithm::Rs256,
            id_token_lifetime: Duration::from_mins(10),
        }
    }

    /// For the application's own origin, if it can be an issuer.
    pub(crate) fn of_origin(origin: &str) -> Option<Self> {
        is_issuer(origin).then(|| Self::new(origin))
    }

    /// What access tokens are for, the claim `aud`: the issuer, if nothing is said. A token for anything else is refused here.
    pub fn audience(self, audience: &str) -> Self {
        Self { audience: Some(audience.to_owned()), ..self }
    }

    /// What people are told of a scope when a client asks for it. Permissions are called by their titles.
    pub fn scope(mut self, name: &str, description: &str) -> Self {
        self.scopes.push((name.to_owned(), description.to_owned()));
        self
    }

    /// Signs access tokens with these keys, whose public halves are published at `/oauth2/jwks`; without, with HS256 and keys made of
    /// the application's secrets, which this application alone can verify.
    pub fn keys(self, keys: KeyRing) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// How long access tokens live: ten minutes, if nothing is said; from a minute to an hour.
    pub fn access_lifetime(self, lifetime: Duration) -> Self {
        Self { access_lifetime: lifetime, ..self }
    }

    /// Signs ID tokens with these keys; without, with keys that are made, kept and changed here ([`SigningKeys`]).
    pub fn id_token_keys(self, keys: KeyRing) -> Self {
        Self { id_token_keys: Some(keys), ..self }
    }

    /// Signs ID tokens by this algorithm, if the keys are made here: RS256, which every client knows, if nothing is said.
    pub fn id_token_algorithm(self, algorithm: JwtAlgorithm) -> Self {
        Self { id_token_algorithm: algorithm, ..self }
    }

    /// How long ID tokens are valid: ten minutes, if nothing is said; from a minute to an hour.
    pub fn id_token_lifetime(self, lifetime: Duration) -> Self {
        Self { id_token_lifetime: lifetime, ..self }
    }

    pub(super) fn id_tokens(
        &self,
        records: DynRecordStore,
        secret: &SecretKey,
        clock: Arc<dyn Clock>,
    ) -> Result<IdTokens, OAuth2Error> {
        let keys = match &self.id_token_keys {
            Some(keys) => SigningKeys::given(keys.clone())?,
            None => SigningKeys::managed(self.id_token_algorithm, records, secret, clock.clone())?,
        };
        Ok(IdTokens::new(&self.issuer, keys, clock).lifetime(self.id_token_lifetime)?)
    }

    pub(super) fn check(&self) -> Result<(), OAuth2Error> {
        let wrong = |text: String| Err(OAuth2Error::Configuration(text));
        if !is_issuer(&self.issuer) {
            let issuer = &self.issuer;
            return wrong(format!("`{issuer}` is no issuer: write its origin as \"https://accounts.example\""));
        }
        if self.access_lifetime < Duration::from_mins(1) || self.access_lifetime > Duration::from_hours(1) {
            return wrong("an access token lives a minute to an hour".to_owned());
        }
        for (name, _) in &self.scopes {
            match Scope::parse(name) {
                Ok(scope) if !scope.names().eq([name]) => {
                    return wrong(format!("`{name}` is not the name of one scope"));
                }
                Ok(scope) if scope.undeclared().is_some() => {
                    return wrong(format!("the scope `{name}` is a permission that nobody declares"));
                }
                Ok(_) => {}
                Err(invalid) => return wrong(format!("`{name}`: {invalid}")),
            }
        }
        Ok(())
    }
}

/// Whether that is an origin by https, or of this machine for development (RFC 8414 §2).
pub(super) fn is_issuer(issuer: &str) -> bool {
    let Ok(url) = Url::parse(issuer) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.origin().ascii_serialization() == issuer && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}

#[cfg(test)]
mod tests {
    use super::is_issuer;

    #[test]
    fn an_issuer_is_an_origin() {
        for good in ["https://accounts.example", "https://accounts.example:8443", "http://127.0.0.1:3000"] {
            assert!(is_issuer(good), "{good}");
        }
        for bad in ["", "accounts.example", "https://accounts.example/", "https://a.example/x", "http://a.example"] {
            assert!(!is_issuer(bad), "{bad}");
        }
    }
}
