use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::discovery::{Discovery, Metadata};
use super::fetch::Fetch;
use super::id_token::{Expected, IdToken};
use super::keys::Keys;
use super::token_request::{Client, ClientAuth, Tokens, another_issuer, auth_url, exchange};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::oauth2::{
    AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo, is_name,
};
use crate::secret::SecretString;

/// A year, in seconds.
const ANY_AGE: i64 = 365 * 24 * 60 * 60;

/// Any provider that speaks OpenID Connect, known by its issuer (OpenID Connect Core 1.0, Discovery 1.0).
///
/// Its metadata and keys are found by the issuer, and asked for again after an hour; keys also when a token names one that is not
/// known, once a minute at the most. ID tokens are signed by RS256, ES256 or `EdDSA`.
///
/// # Security
/// The ID token is validated as §3.1.3.7 has it, and the description at the userinfo endpoint must be of the same account. An answer
/// that says it comes from another issuer is refused, and one that does not say where it comes from, where the issuer promises that
/// all do (RFC 9207). A login here is as old as the one there, which every issuer is asked to tell (`max_age`); where it does not, it
/// counts as new. A user who is logged in here and proves it again must have been asked there anew: an issuer that does not
/// understand `max_age` cannot serve for that.
#[derive(Debug)]
pub struct OpenIdConnect {
    name: String,
    issuer: String,
    client: Client,
    auth: Option<ClientAuth>,
    scopes: Vec<String>,
    claims: Vec<String>,
    max_age: Option<i64>,
    asks_anew: bool,
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    discovery: Discovery,
    keys: Keys,
}

impl OpenIdConnect {
    /// The provider with this issuer, under a name of one's own, as the client that it knows by this id and secret.
    ///
    /// # Errors
    /// [`AuthProviderError::Configuration`], unless the issuer is a URL with https, or of a loopback address.
    pub fn new(
        name: &str,
        issuer: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Result<Self, AuthProviderError> {
        if !is_name(name) {
            let text = format!("`{name}` cannot be a provider's name: it stands in paths, as \"staff\" can");
            return Err(AuthProviderError::Configuration(text));
        }
        Ok(Self {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            client: Client { id: client_id.into(), secret: client_secret.into() },
            auth: None,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            claims: ["picture", "locale"].map(str::to_owned).to_vec(),
            max_age: None,
            asks_anew: true,
            fetch: Fetch::new(issuer)?,
            clock: Arc::new(SystemClock),
            discovery: Discovery::default(),
            keys: Keys::default(),
        })
    }

    /// What is asked for: `openid email profile`, if nothing is said. `openid` is among them in any case.
    #[must_use]
    pub fn scopes<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.scopes = scopes.into_iter().map(str::to_owned).collect();
        if !self.scopes.iter().any(|scope| scope == "openid") {
            self.scopes.insert(0, "openid".to_owned());
        }
        self
    }

    /// Also keeps these claims, as [`OAuthUserInfo::attributes`].
    #[must_use]
    pub fn claims<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.claims.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// How it is proved to the token endpoint who asks: as its metadata say, if nothing is said.
    #[must_use]
    pub fn client_auth(self, auth: ClientAuth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// Refuses whoever has not proved to the issuer within that time who they are (`max_age`).
    #[must_use]
    pub fn max_age(self, within: Duration) -> Self {
        Self { max_age: Some(i64::try_from(within.as_secs()).unwrap_or(i64::MAX)), ..self }
    }

    /// It cannot ask its users anew: who comes back from it counts as asked.
    #[must_use]
    pub(super) fn never_asks_anew(self) -> Self {
        Self { asks_anew: false, ..self }
    }

    /// Since when the user must have been asked.
    fn prove_since(&self, flow: &AuthorizationFlow) -> Option<DateTime<Utc>> {
        flow.prove_since().filter(|_| self.asks_anew)
    }

    /// Waits so long for each answer; five seconds, if nothing is said.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { fetch: self.fetch.with_timeout(timeout), ..self }
    }

    /// Goes by this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, AuthProviderError> {
        self.discovery.metadata(&self.fetch, &self.issuer, self.clock.now()).await
    }

    async fn auth_url(&self, flow: &AuthorizationFlow) -> Result<String, AuthProviderError> {
        let endpoint = self.metadata().await?.authorization_endpoint.clone();
        let mut more = vec![("nonce", flow.nonce())];
        // With it an issuer says when its user was asked (OpenID Connect Core §2), though that may be as long ago as nobody minds.
        let any = self.asks_anew.then_some(ANY_AGE);
        let max_age = self.prove_since(flow).map(|_| 0).or(self.max_age).or(any);
        more.extend(max_age.map(|seconds| ("max_age", seconds.to_string())));
        Ok(auth_url(endpoint, &self.client, &self.scopes, flow, &more))
    }

    async fn exchange(
        &self,
        response: &AuthorizationResponse,
        flow: &AuthorizationFlow,
    ) -> Result<OAuthUserInfo, AuthProviderError> {
        let metadata = self.metadata().await?;
        match response.iss() {
            Some(iss) if iss != self.issuer => return Err(another_issuer(iss, &self.issuer)),
            None if metadata.names_itself => return Err(AuthProviderError::refused("the answer names no issuer")),
            _ => {}
        }
        let client = (&self.client, self.auth.unwrap_or_else(|| auth_method(&metadata)));
        let tokens = exchange(&self.fetch, &metadata.token_endpoint, client, response, flow).await?;
        let token = self.id_token(&metadata, &tokens, flow).await?;
        let described = self.user_info(&metadata, &tokens, &token.sub).await?;
        Ok(self.account(token, described))
    }

    async fn id_token(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        flow: &AuthorizationFlow,
    ) -> Result<IdToken, AuthProviderError> {
        let Some(text) = &tokens.id_token else { return Err(AuthProviderError::refused("there is no ID token")) };
        let now = self.clock.now();
        let (algorithm, json) = self.keys.open(&self.fetch, &metadata.jwks_uri, text.expose(), now).await?;
        let oldest = self.max_age.map(|seconds| now.timestamp().saturating_sub(seconds));
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.client.id,
            nonce: &flow.nonce(),
            access_token: &tokens.access_token,
            since: self.prove_since(flow).map(|since| since.timestamp()).or(oldest),
            now: now.timestamp(),
        };
        IdToken::read(algorithm, &json, &expected)
    }

    /// What the userinfo endpoint says of the same account (OpenID Connect Core §5.3.2).
    async fn user_info(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        subject: &str,
    ) -> Result<Map<String, Value>, AuthProviderError> {
        let Some(url) = &metadata.userinfo_endpoint else { return Ok(Map::new()) };
        let described: Map<String, Value> = self.fetch.get_with(url, &tokens.access_token).await?.json()?;
        if described.get("sub").and_then(Value::as_str) == Some(subject) {
            Ok(described)
        } else {
            Err(AuthProviderError::refused("the description is of another account"))
        }
    }

    fn account(&self, token: IdToken, mut described: Map<String, Value>) -> OAuthUserInfo {
        let mut claims = token.claims;
        // An address and whether it is verified are said by one of them.
        if described.contains_key("email") {
            claims.remove("email_verified");
        } else {
            described.remove("email_verified");
        }
        claims.append(&mut described);
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut info = OAuthUserInfo::new(&self.issuer, token.sub);
        (info.email, info.username, info.name) = (text("email"), text("preferred_username"), text("name"));
        info.auth_time = token.auth_time.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        info.email_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        info.attributes = claims.into_iter().filter(|(name, _)| self.claims.contains(name)).collect();
        info
    }
}

/// HTTP Basic, unless the server only knows the other (OpenID Connect Discovery §3).
fn auth_method(metadata: &Metadata) -> ClientAuth {
    let Some(methods) = &metadata.token_auth_methods else { return ClientAuth::Basic };
    let knows = |name: &str| methods.iter().any(|method| method == name);
    if !knows("client_secret_basic") && knows("client_secret_post") { ClientAuth::Post } else { ClientAuth::Basic }
}

impl AuthProvider for OpenIdConnect {
    fn name(&self) -> &str {
        &self.name
    }

    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        Box::pin(self.auth_url(flow))
    }

    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        flow: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        Box::pin(self.exchange(response, flow))
    }
}
