use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use url::Url;

use super::fetch::Fetch;
use crate::oauth2::AuthProviderError;
use crate::report::said;

/// How long what an issuer says of itself is believed without asking again.
pub(super) const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// What an issuer says of itself (OpenID Connect Discovery §3), its addresses judged.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Url,
    pub(super) token_auth_methods: Option<Vec<String>>,
    /// Whether every answer names the issuer (RFC 9207 §3).
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The metadata of one issuer, as they were found last.
#[derive(Debug, Default)]
pub(super) struct Discovery(Mutex<Option<(DateTime<Utc>, Arc<Metadata>)>>);

impl Discovery {
    pub(super) async fn metadata(
        &self,
        fetch: &Fetch,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Metadata>, AuthProviderError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = known
            && now - at < LIFETIME
        {
            return Ok(metadata);
        }
        let metadata = Arc::new(discover(fetch, issuer).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, metadata.clone()));
        Ok(metadata)
    }
}

async fn discover(fetch: &Fetch, issuer: &str) -> Result<Metadata, AuthProviderError> {
    let url = fetch.url(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    let document: Document = fetch.get(&url).await?.json()?;
    // Letter by letter, or one issuer could speak for another (OpenID Connect Discovery §4.3).
    if document.issuer != issuer {
        let found = said(&document.issuer);
        let text =
            format!("the metadata of `{issuer}` say that the issuer is {found}: it must be the same, letter by letter");
        return Err(AuthProviderError::Configuration(text));
    }
    Ok(Metadata {
        authorization_endpoint: fetch.url(&document.authorization_endpoint)?,
        token_endpoint: fetch.url(&document.token_endpoint)?,
        userinfo_endpoint: document.userinfo_endpoint.map(|url| fetch.url(&url)).transpose()?,
        jwks_uri: fetch.url(&document.jwks_uri)?,
        token_auth_methods: document.token_endpoint_auth_methods_supported,
        names_itself: document.authorization_response_iss_parameter_supported,
    })
}
