use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::CodeVerifier;
use crate::secret::{self, SecretString};

/// A login by another provider that is under way: what is sent along, and must come back or be proved.
#[derive(Clone)]
pub struct AuthorizationFlow {
    provider: String,
    redirect_uri: String,
    state: SecretString,
    code_verifier: CodeVerifier,
    prove_since: Option<DateTime<Utc>>,
}

impl AuthorizationFlow {
    /// A new one, with the provider of that name, which sends the browser back to that address. [`Auth::begin_login`] makes and keeps
    /// one by itself; this is for tests of a provider.
    ///
    /// [`Auth::begin_login`]: crate::Auth::begin_login
    pub fn new(provider: &str, redirect_uri: &str) -> Self {
        let state = Base64UrlUnpadded::encode_string(&secret::random::<32>());
        Self::of(provider, redirect_uri, state.into(), CodeVerifier::generate())
    }

    pub(crate) fn of(provider: &str, redirect_uri: &str, state: SecretString, code_verifier: CodeVerifier) -> Self {
        let (provider, redirect_uri) = (provider.to_owned(), redirect_uri.to_owned());
        Self { provider, redirect_uri, state, code_verifier, prove_since: None }
    }

    /// The same for somebody who is to prove to the provider since then who they are, although they may be logged in there.
    #[must_use]
    pub fn with_prove_since(self, since: Option<DateTime<Utc>>) -> Self {
        Self { prove_since: since, ..self }
    }

    /// Since when the user must have proved to the provider who they are, if that matters: it does where somebody who is logged in here
    /// proves it again. A provider that can ask its users anew does, and refuses who was not asked (`max_age`, OpenID Connect Core
    /// §3.1.2.1).
    pub fn prove_since(&self) -> Option<DateTime<Utc>> {
        self.prove_since
    }

    /// The provider's name.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Where the provider sends the browser back to (`redirect_uri`).
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What comes back with the browser (`state`): 256 random bits.
    pub fn state(&self) -> &str {
        self.state.expose()
    }

    /// What stands in the ID token again (`nonce`). It is a digest of the verifier, which it does not give away.
    pub fn nonce(&self) -> String {
        let nonce = Sha256::new_with_prefix("auth: nonce\0").chain_update(self.code_verifier.expose());
        Base64UrlUnpadded::encode_string(&nonce.finalize())
    }

    /// What the token request proves that it comes from here by (RFC 7636).
    pub fn code_verifier(&self) -> &CodeVerifier {
        &self.code_verifier
    }
}

impl fmt::Debug for AuthorizationFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationFlow").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// What a provider sent the browser back with, besides `state`.
#[derive(Clone)]
pub struct AuthorizationResponse {
    code: SecretString,
    iss: Option<String>,
}

impl AuthorizationResponse {
    /// A code.
    pub fn new(code: impl Into<SecretString>) -> Self {
        Self { code: code.into(), iss: None }
    }

    /// From whom the answer says that it comes (RFC 9207).
    #[must_use]
    pub fn with_iss(self, iss: impl Into<String>) -> Self {
        Self { iss: Some(iss.into()), ..self }
    }

    /// The code.
    pub fn code(&self) -> &SecretString {
        &self.code
    }

    /// From whom the answer says that it comes.
    pub fn iss(&self) -> Option<&str> {
        self.iss.as_deref()
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponse").field("iss", &self.iss).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown_and_the_nonce_gives_nothing_away() {
        let flow = AuthorizationFlow::new("github", "https://example.com/login/github/callback");
        let response = AuthorizationResponse::new("code-of-jane").with_iss("https://github.com");
        let shown = format!("{flow:?} {response:?}");
        for secret in [flow.state(), flow.code_verifier().expose(), &flow.nonce(), "code-of-jane"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let nonce = flow.nonce();
        assert_eq!(nonce, flow.nonce());
        assert_ne!(nonce, flow.code_verifier().challenge().as_str());
        assert_ne!(nonce, AuthorizationFlow::new("github", "/").nonce());
    }
}
