use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};

use super::BreachList;
use super::digest::{DIGITS, digits, parse, unanswered};
use crate::BoxFuture;
use crate::passwords::PasswordError;
use crate::secret::SecretString;

/// Asks Have I Been Pwned, or a server that speaks its range protocol, whether a password is known
/// (<https://haveibeenpwned.com/API/v3#PwnedPasswords>).
///
/// An answer that takes longer than five seconds or is larger than 1 MiB (a usual one has 40 KiB), a redirection, and
/// every line that is not of the protocol are errors, not answers.
///
/// # Security
/// Only the first five hexadecimal digits of the password's SHA-1 leave the machine; some thousand known passwords
/// share them. The answer is padded (`Add-Padding`), so that its size does not tell them to whoever sees the traffic.
#[derive(Clone, Debug)]
pub struct PwnedPasswords {
    client: Client,
    base: Url,
    timeout: Duration,
}

/// What leaves the machine.
const PREFIX: usize = 5;
const MAX_ANSWER: usize = 1 << 20;

impl PwnedPasswords {
    /// Where Have I Been Pwned answers.
    pub const URL: &'static str = "https://api.pwnedpasswords.com";

    /// Asks [`PwnedPasswords::URL`].
    ///
    /// # Errors
    /// [`PasswordError::BreachList`] when the client cannot be made.
    pub fn new() -> Result<Self, PasswordError> {
        Self::at(Self::URL)
    }

    /// Asks another server: `{url}/range/21BD1`. Plain http is for loopback addresses only.
    ///
    /// # Errors
    /// [`PasswordError::BreachList`] when this is no such URL, or the client cannot be made.
    pub fn at(url: &str) -> Result<Self, PasswordError> {
        let base = Url::parse(url.trim_end_matches('/')).map_err(unanswered)?;
        let is_loopback = match base.host_str() {
            Some(host) => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
            None => return Err(unanswered("the URL of the list names no host")),
        };
        let has_credentials = !base.username().is_empty() || base.password().is_some();
        if has_credentials || base.query().is_some() || base.fragment().is_some() {
            return Err(unanswered("the URL of the list has more than a host and a path"));
        }
        if base.scheme() != "https" && !(base.scheme() == "http" && is_loopback) {
            return Err(unanswered("the URL of the list begins with https://, or http:// and a loopback address"));
        }
        let client = Client::builder().redirect(redirect::Policy::none()).user_agent(concat!(
            env!("CARGO_PKG_NAME"),
            "/",
            env!("CARGO_PKG_VERSION")
        ));
        let client = if is_loopback { client.no_proxy() } else { client };
        Ok(Self { client: client.build().map_err(unanswered)?, base, timeout: Duration::from_secs(5) })
    }

    /// Waits so long for a whole answer; by default five seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    async fn range(&self, prefix: &str) -> Result<Vec<u8>, PasswordError> {
        let url = format!("{}/range/{prefix}", self.base.as_str().trim_end_matches('/'));
        let request = self.client.get(url).header("Add-Padding", "true").timeout(self.timeout);
        let mut answer = request.send().await.map_err(without_url)?;
        if answer.status() != StatusCode::OK {
            return Err(unanswered(format!("the list answered with {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(without_url)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(unanswered("the list's answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl BreachList for PwnedPasswords {
    fn contains<'a>(&'a self, password: &'a SecretString) -> BoxFuture<'a, Result<bool, PasswordError>> {
        Box::pin(async move {
            let digits = digits(password.expose());
            let (prefix, wanted) = digits.split_at(PREFIX);
            find(&self.range(prefix).await?, wanted.as_bytes())
                .ok_or_else(|| unanswered("the list's answer is not of the range protocol"))
        })
    }
}

/// Padding has a count of zero. Nothing if a line is not of the protocol, wherever it stands.
fn find(body: &[u8], wanted: &[u8]) -> Option<bool> {
    let mut found = false;
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (rest, count) = parse::<{ DIGITS - PREFIX }>(line)?;
        found |= rest == wanted && count > 0;
    }
    Some(found)
}

/// The URL holds a part of the password's digest, and errors are logged.
fn without_url(error: reqwest::Error) -> PasswordError {
    unanswered(error.without_url())
}
