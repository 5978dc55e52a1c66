use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use super::fetch::Fetch;
use super::token_request::{Client, ClientAuth, another_issuer, auth_url, exchange};
use crate::BoxFuture;
use crate::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use crate::secret::SecretString;

/// GitHub (<https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>), on github.com or a server of one's
/// own.
///
/// An account is known by its number, which never changes; its name can pass to somebody else. Its address is the primary one, if
/// it is verified and may be read (scope `user:email`).
///
/// # Security
/// It does not ask its users anew when a client wants that: who is logged in there and proves again here who they are, passes.
#[derive(Debug)]
pub struct GitHub {
    client: Client,
    scopes: Vec<String>,
    base: String,
    api: String,
    issuer: String,
    fetch: Fetch,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    #[serde(rename = "email")]
    address: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    /// github.com, as the client that it knows by this id and secret.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Result<Self, AuthProviderError> {
        Self::at("https://github.com", "https://api.github.com", client_id, client_secret)
    }

    /// Another server and its API: `https://github.example.com` and `https://github.example.com/api/v3`.
    ///
    /// # Errors
    /// [`AuthProviderError::Configuration`], unless both are URLs with https, or of a loopback address.
    pub fn at(
        base: &str,
        api: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Result<Self, AuthProviderError> {
        let (base, api) = (base.trim_end_matches('/'), api.trim_end_matches('/'));
        let fetch = Fetch::new(base)?;
        fetch.url(api)?;
        Ok(Self {
            client: Client { id: client_id.into(), secret: client_secret.into() },
            scopes: vec!["user:email".to_owned()],
            // What it calls itself in its answers (RFC 9207).
            issuer: format!("{base}/login/oauth"),
            base: base.to_owned(),
            api: api.to_owned(),
            fetch,
        })
    }

    /// What is asked for: `user:email`, if nothing is said.
    #[must_use]
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        Self { scopes: scopes.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// Waits so long for each answer; five seconds, if nothing is said.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { fetch: self.fetch.with_timeout(timeout), ..self }
    }

    async fn exchange(
        &self,
        response: &AuthorizationResponse,
        flow: &AuthorizationFlow,
    ) -> Result<OAuthUserInfo, AuthProviderError> {
        if let Some(iss) = response.iss().filter(|iss| *iss != self.issuer) {
            return Err(another_issuer(iss, &self.issuer));
        }
        let endpoint = self.fetch.url(&format!("{}/login/oauth/access_token", self.base))?;
        let client = (&self.client, ClientAuth::Post);
        let token = exchange(&self.fetch, &endpoint, client, response, flow).await?.access_token;
        let user: User = self.fetch.get_with(&self.fetch.url(&format!("{}/user", self.api))?, &token).await?.json()?;
        let mut info = OAuthUserInfo::new(&self.issuer, user.id.to_string()).with_username(user.login);
        if let Some(email) = self.verified_email(&token).await? {
            info = info.with_verified_email(email);
        }
        info.name = user.name;
        info.attributes.extend(user.avatar_url.map(|url| ("picture".to_owned(), url.into())));
        Ok(info)
    }

    /// The primary address, if it is verified and the user lets it be read.
    async fn verified_email(&self, token: &SecretString) -> Result<Option<String>, AuthProviderError> {
        let answer = self.fetch.get_with(&self.fetch.url(&format!("{}/user/emails", self.api))?, token).await?;
        if matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
            return Ok(None);
        }
        let emails: Vec<Email> = answer.json()?;
        Ok(emails.into_iter().find(|email| email.primary && email.verified).map(|email| email.address))
    }
}

impl AuthProvider for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        let endpoint = self.fetch.url(&format!("{}/login/oauth/authorize", self.base));
        let url = endpoint.map(|endpoint| auth_url(endpoint, &self.client, &self.scopes, flow, &[]));
        Box::pin(std::future::ready(url))
    }

    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        flow: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        Box::pin(self.exchange(response, flow))
    }
}
