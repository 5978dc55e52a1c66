//! What OpenID Connect adds to a request by a browser (Core §3.1.2.1): whose login the client wants, and how new it must be.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, TimeDelta, Utc};

use super::IdTokens;
use crate::oauth2::provider::{AuthorizationRequest, OAuth2Authentication, OAuth2Error, Prompt, ResourceOwner};
use crate::secret::MacKey;

/// The first error of a request, for its client.
pub(in crate::oauth2::provider) type Invalid = &'static str;

impl OAuth2Authentication {
    /// Takes from the parameters what was put there for OpenID Connect.
    pub(in crate::oauth2::provider) async fn read_openid(
        &self,
        request: &mut AuthorizationRequest,
        id_token_hint: Option<&str>,
        login_after: Option<&str>,
    ) -> Result<Result<(), Invalid>, OAuth2Error> {
        if request.nonce.as_ref().is_some_and(|nonce| nonce.len() > IdTokens::MAX_NONCE) {
            return Ok(Err("`nonce` has more than 512 bytes"));
        }
        if let Some(hint) = id_token_hint {
            match self.id_tokens().hint(hint).await? {
                Some(hint) => request.hinted_user = Some(hint.user_id),
                None => return Ok(Err("`id_token_hint` is no ID token of this provider")),
            }
        }
        request.login_after = login_after.and_then(|after| opened(self.login_key(), request, after));
        Ok(Ok(()))
    }

    /// What a request goes on with after a login that is made for it now: nobody else can say so, and it counts for no other.
    #[cfg(feature = "web-axum")]
    pub(crate) fn login_after(&self, request: &AuthorizationRequest) -> String {
        sealed(self.login_key(), request, self.now().timestamp())
    }
}

impl AuthorizationRequest {
    /// Whether this login is not the one that the client wants. A login that was made for this request is new enough, so that
    /// nobody is asked without end.
    pub(in crate::oauth2::provider) fn needs_login(&self, owner: &ResourceOwner, now: DateTime<Utc>) -> bool {
        let seconds = i64::try_from(self.max_age.unwrap_or(u64::MAX)).unwrap_or(i64::MAX);
        let most = TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX);
        let is_old = seconds > 0 && now.signed_duration_since(owner.auth_time) > most;
        let asks_for_one = self.prompt.iter().any(|prompt| matches!(prompt, Prompt::Login | Prompt::SelectAccount));
        let wants_new = asks_for_one || seconds == 0 || self.is_for_another(owner);
        is_old || (wants_new && !self.is_new(owner))
    }

    /// Whether the client expects somebody else.
    pub(in crate::oauth2::provider) fn is_for_another(&self, owner: &ResourceOwner) -> bool {
        self.hinted_user.as_ref().is_some_and(|user_id| *user_id != owner.user_id)
    }

    /// Whether it was made for this request.
    fn is_new(&self, owner: &ResourceOwner) -> bool {
        self.login_after.is_some_and(|after| owner.auth_time.timestamp() >= after)
    }
}

#[cfg(feature = "web-axum")]
fn sealed(key: &MacKey, request: &AuthorizationRequest, after: i64) -> String {
    let tag = key.sign(&parts(request, &after.to_be_bytes()));
    format!("{after}.{}", Base64UrlUnpadded::encode_string(&tag))
}

fn opened(key: &MacKey, request: &AuthorizationRequest, text: &str) -> Option<i64> {
    let (after, tag) = text.split_once('.')?;
    let (after, tag) = (after.parse::<i64>().ok()?, Base64UrlUnpadded::decode_vec(tag).ok()?);
    key.verify(&parts(request, &after.to_be_bytes()), &tag).then_some(after)
}

/// What tells one request from another.
fn parts<'a>(request: &'a AuthorizationRequest, after: &'a [u8]) -> [&'a [u8]; 6] {
    let bytes = |text: &'a Option<String>| text.as_deref().unwrap_or_default().as_bytes();
    let challenge = request.code_challenge.as_ref().map_or("", |challenge| challenge.as_str());
    let client = request.application.client_id.as_bytes();
    [client, request.redirect_uri.as_bytes(), bytes(&request.state), bytes(&request.nonce), challenge.as_bytes(), after]
}
