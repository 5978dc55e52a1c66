use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde::de::DeserializeOwned;
use url::Url;

use crate::oauth2::AuthProviderError;
use crate::secret::SecretString;

/// The most bytes of an answer.
const MAX_ANSWER: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks one provider: over TLS, but on this machine; for JSON; never elsewhere than where it was sent.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    client: Client,
    timeout: Duration,
    is_loopback: bool,
}

/// What was answered, whatever the status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
}

impl Fetch {
    /// For a provider at this address.
    pub(super) fn new(base: &str) -> Result<Self, AuthProviderError> {
        let is_loopback = Url::parse(base).is_ok_and(|url| is_loopback(&url));
        let client = Client::builder().redirect(redirect::Policy::none()).user_agent(concat!(
            env!("CARGO_PKG_NAME"),
            "/",
            env!("CARGO_PKG_VERSION")
        ));
        let client = if is_loopback { client.no_proxy() } else { client };
        let client = client.build().map_err(AuthProviderError::unavailable)?;
        let fetch = Self { client, timeout: TIMEOUT, is_loopback };
        fetch.url(base)?;
        Ok(fetch)
    }

    pub(super) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// An address that may be asked: plain http only of this machine, and only where the provider itself is there.
    pub(super) fn url(&self, text: &str) -> Result<Url, AuthProviderError> {
        let no = |what| Err(AuthProviderError::Configuration(format!("`{text}` {what}")));
        let Ok(url) = Url::parse(text) else { return no("is no URL") };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return no("has credentials or a fragment");
        }
        if url.scheme() != "https" && !(self.is_loopback && url.scheme() == "http" && is_loopback(&url)) {
            return no("does not begin with https://");
        }
        Ok(url)
    }

    /// The document there.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, AuthProviderError> {
        self.send(self.client.get(url.clone())).await
    }

    /// The document there, for whoever has this access token.
    pub(super) async fn get_with(&self, url: &Url, token: &SecretString) -> Result<Answer, AuthProviderError> {
        let bearer = sensitive(&format!("Bearer {}", token.expose()))?;
        self.send(self.client.get(url.clone()).header(AUTHORIZATION, bearer)).await
    }

    /// Sends a form.
    pub(super) async fn post(
        &self,
        url: &Url,
        form: String,
        authorization: Option<&str>,
    ) -> Result<Answer, AuthProviderError> {
        let mut request = self.client.post(url.clone()).body(form);
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(text) = authorization {
            request = request.header(AUTHORIZATION, sensitive(text)?);
        }
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, AuthProviderError> {
        // An address can hold what is not for the log.
        let failed = |error: reqwest::Error| AuthProviderError::unavailable(error.without_url());
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json")).timeout(self.timeout);
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(AuthProviderError::unavailable("the answer leads elsewhere"));
        }
        if status.is_success() && !is_json(&response) {
            return Err(AuthProviderError::unavailable("the answer is not JSON"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(AuthProviderError::unavailable("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// What it says, if it is a success.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AuthProviderError> {
        if self.status != StatusCode::OK {
            return Err(AuthProviderError::unavailable(format!("the answer is {}", self.status)));
        }
        serde_json::from_slice(&self.body).map_err(AuthProviderError::unavailable)
    }

    /// What it says, as text, if it is a success.
    pub(super) fn text(&self) -> Result<&str, AuthProviderError> {
        if self.status != StatusCode::OK {
            return Err(AuthProviderError::unavailable(format!("the answer is {}", self.status)));
        }
        std::str::from_utf8(&self.body).map_err(AuthProviderError::unavailable)
    }

    /// What it says, whatever the status.
    pub(super) fn any_json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Also a key set's own type (RFC 7517 §8.5.2).
fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// A header that is not shown.
fn sensitive(text: &str) -> Result<HeaderValue, AuthProviderError> {
    let mut value = HeaderValue::try_from(text).map_err(AuthProviderError::unavailable)?;
    value.set_sensitive(true);
    Ok(value)
}
