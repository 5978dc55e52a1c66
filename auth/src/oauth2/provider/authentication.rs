use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::oidc::{IdTokens, OPENID_SCOPES};
use super::store::Store;
use super::{OAuth2Config, OAuth2Error, OAuth2TokenStore, Scope};
use crate::audit::Audit;
#[cfg(feature = "web-axum")]
use crate::audit::Origin;
use crate::clock::Clock;
use crate::limits::Limiter;
use crate::permissions::PermissionEntry;
use crate::records::DynRecordStore;
use crate::registry;
use crate::secret::{MacKey, SecretKey};
use crate::tokens::{JwtAuth, TokenRotationManager, TokenSubjects};

/// This application as an authorization server (RFC 6749). `auth.oauth2()` gives it; cloning is cheap.
///
/// | what | |
/// | --- | --- |
/// | clients | [`register_application`](Self::register_application), [`rotate_secret`](Self::rotate_secret), [`delete_application`](Self::delete_application) |
/// | a request by a browser | [`read_authorization_request`](Self::read_authorization_request), [`consider`](Self::consider), [`allow`](Self::allow), [`deny`](Self::deny) |
/// | codes | [`generate_authorization_code`](Self::generate_authorization_code), [`exchange_code`](Self::exchange_code) |
/// | tokens | [`verify_token`](Self::verify_token), [`introspect`](Self::introspect), [`revoke_token`](Self::revoke_token) |
/// | consents | [`consents`](Self::consents), [`revoke_consent`](Self::revoke_consent) |
///
/// With feature `web-axum`, `auth.oauth2_routes()` are its endpoints. A client that acts for itself:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use auth::oauth2::provider::*;
/// use auth::prelude::*;
/// use auth::users::DefaultUser;
///
/// let auth = Auth::<DefaultUser>::builder().oauth2(OAuth2Config::new("https://example.com")).build().await?;
/// let oauth2 = auth.oauth2();
/// let backup = OAuth2Application::confidential("Backup").grants([GrantType::ClientCredentials]).scope("backup");
/// let registered = oauth2.register_application(backup).await?; // and its secret, which is shown once
///
/// // `POST /oauth2/token`, once the client has said who it is:
/// let asked = TokenRequest::read(&[("grant_type".to_owned(), "client_credentials".to_owned())])?;
/// let tokens = oauth2.token(&registered.application, &asked).await?;
/// assert_eq!(tokens.expires_in, 600); // seconds
///
/// // Where the token is brought:
/// let OAuth2TokenVerdict::Accepted(token) = oauth2.verify_token(tokens.access_token.expose()).await? else {
///     return Err("refused".into());
/// };
/// assert!(token.scope.contains("backup") && token.user_id.is_none());
/// # Ok(())
/// # }
/// ```
///
/// A user has allowed [`MAX_CONSENTS`](Self::MAX_CONSENTS) clients at the most, and each of them has
/// [`TokenRotationManager::MAX_PER_USER`] grants with a refresh token for that user: one more ends the one that was used least
/// recently. Logins of the user's own are counted apart.
///
/// # Security
/// It follows RFC 9700: redirect URIs are exact, PKCE with `S256` is always demanded, codes and refresh tokens are good for one
/// use, and a second use ends all that came of the first. Every token belongs to a grant, which is asked about whenever the token
/// is verified: what was revoked is refused at the next request.
#[derive(Clone)]
pub struct OAuth2Authentication {
    pub(super) inner: Arc<Inner>,
    audit: Audit,
}

pub(super) struct Inner {
    issuer: Option<String>,
    audience: String,
    scopes: Vec<(String, String)>,
    store: Store,
    pub(super) jwt: JwtAuth,
    pub(super) rotation: TokenRotationManager,
    pub(super) refresh_absolute: TimeDelta,
    pub(super) access_lifetime: TimeDelta,
    pub(super) subjects: Arc<dyn TokenSubjects>,
    pub(super) limiter: Limiter,
    id_tokens: IdTokens,
    login_key: MacKey,
    clock: Arc<dyn Clock>,
}

/// What the provider is put together of.
pub(crate) struct Parts {
    /// Nothing, where neither the provider nor an origin is configured.
    pub(crate) config: Option<OAuth2Config>,
    pub(crate) store: Arc<dyn OAuth2TokenStore>,
    /// Where keys for ID tokens are kept, and what encrypts them, if the configuration says nothing.
    pub(crate) records: DynRecordStore,
    pub(crate) secret: SecretKey,
    /// What signs, if the configuration says nothing.
    pub(crate) jwt: JwtAuth,
    pub(crate) rotation: TokenRotationManager,
    pub(crate) refresh_absolute: TimeDelta,
    pub(crate) subjects: Arc<dyn TokenSubjects>,
    pub(crate) limiter: Limiter,
    pub(crate) audit: Audit,
    pub(crate) clock: Arc<dyn Clock>,
}

impl OAuth2Authentication {
    pub(crate) fn new(parts: Parts) -> Result<Self, OAuth2Error> {
        let Parts {
            config,
            store,
            records,
            secret,
            mut jwt,
            rotation,
            refresh_absolute,
            subjects,
            limiter,
            audit,
            clock,
        } = parts;
        let issuer = config.as_ref().map(|config| config.issuer.clone());
        let config = config.unwrap_or_else(|| OAuth2Config::new("https://localhost"));
        config.check()?;
        let login_key = secret.derive("auth: oauth2 logins for requests");
        let id_tokens = config.id_tokens(records, &secret, clock.clone())?;
        let audience = config.audience.unwrap_or_else(|| config.issuer.clone());
        if let Some(keys) = config.keys {
            jwt = JwtAuth::with_keys(keys);
        }
        let jwt = jwt
            .shared_clock(clock.clone())
            .token_type("at+jwt")?
            .issuer(&config.issuer)
            .audience(&audience)
            .lifetime(config.access_lifetime)?;
        let access_lifetime = TimeDelta::from_std(config.access_lifetime).unwrap_or(TimeDelta::minutes(10));
        let (scopes, store) = (config.scopes, Store(store));
        let inner = Inner {
            issuer,
            audience,
            scopes,
            store,
            jwt,
            rotation,
            refresh_absolute,
            access_lifetime,
            subjects,
            limiter,
            id_tokens,
            login_key,
            clock,
        };
        Ok(Self { inner: Arc::new(inner), audit })
    }

    /// The same, telling the trail where it comes from.
    #[cfg(feature = "web-axum")]
    pub(crate) fn from(&self, origin: &Origin) -> Self {
        Self { inner: self.inner.clone(), audit: self.audit.from(origin.clone()) }
    }

    /// Who issues tokens, and where the endpoints are: an origin.
    ///
    /// # Errors
    /// [`OAuth2Error::Configuration`] where none is configured: it is never taken from a request.
    pub fn issuer(&self) -> Result<&str, OAuth2Error> {
        let missing = || {
            let text = "the provider has no issuer: call `.oauth2(OAuth2Config::new(\"https://…\"))` or `.origin(\"https://…\")`";
            OAuth2Error::Configuration(text.to_owned())
        };
        self.inner.issuer.as_deref().ok_or_else(missing)
    }

    /// What access tokens are for, unless their client has another audience.
    pub fn audience(&self) -> &str {
        &self.inner.audience
    }

    /// What signed access tokens are signed with: its keys can be rotated, and published.
    pub fn jwt(&self) -> &JwtAuth {
        &self.inner.jwt
    }

    /// What makes ID tokens (OpenID Connect), and the keys that sign them.
    pub fn id_tokens(&self) -> &IdTokens {
        &self.inner.id_tokens
    }

    /// The scopes that have a description, with it.
    pub fn described_scopes(&self) -> &[(String, String)] {
        &self.inner.scopes
    }

    /// What people are told of each name in a scope: what the configuration says, a permission's title, or the name itself.
    pub fn describe<'a>(&'a self, scope: &'a Scope) -> Vec<(&'a str, &'a str)> {
        let configured = |name: &str| self.inner.scopes.iter().find(|(known, _)| known == name);
        let described = |name: &'a str| match configured(name) {
            Some((_, description)) => description.as_str(),
            None => match OPENID_SCOPES.iter().find(|(known, _)| *known == name) {
                Some((_, description)) => description,
                None => registry::find::<PermissionEntry>(name).map_or(name, |entry| entry.title),
            },
        };
        scope.names().map(|name| (name, described(name))).collect()
    }

    /// What seals for which request somebody was sent to log in.
    pub(super) fn login_key(&self) -> &MacKey {
        &self.inner.login_key
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// As stores keep it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now().trunc_subsecs(3)
    }
}

impl fmt::Debug for OAuth2Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Authentication").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}
