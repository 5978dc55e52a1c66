//! Authorization codes (RFC 6749 §4.1.2): 256 bits, for a minute, for one use.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::consent::Allowed;
use super::store::Kept;
use super::{AuthorizationRequest, OAuth2Authentication, OAuth2Error, OAuth2RecordKind, ResourceOwner, Scope};
use crate::secret::SecretString;
use crate::tokens::{OpaqueToken, TokenPrefix};

pub(super) const CODE: TokenPrefix = TokenPrefix::fixed("auth_code");
/// RFC 6749 §4.1.2 has ten minutes at the most.
const LIFETIME: TimeDelta = TimeDelta::minutes(1);
/// For how long a second use is noticed.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// What a code stands for: nothing of it is heard from whoever brings the code.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AuthorizationCode {
    pub(super) id: String,
    pub(super) digest: String,
    pub(super) client_id: String,
    pub(super) allowed: Allowed,
    pub(super) redirect_uri: String,
    pub(super) names_redirect_uri: bool,
    pub(super) code_challenge: String,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    /// Until when it may be used.
    pub(super) valid_until: DateTime<Utc>,
    /// What came of its first use.
    pub(super) grant: Option<String>,
}

impl OAuth2Authentication {
    /// A code for a request that its user allows: what [`allow`](Self::allow) sends to the client. It gives tokens as long as the
    /// consent stands that is remembered there, and nothing that ends what came of it has happened since.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails, and for a request without a code challenge.
    pub async fn generate_authorization_code(
        &self,
        request: &AuthorizationRequest,
        owner: &ResourceOwner,
    ) -> Result<SecretString, OAuth2Error> {
        let challenge = request.code_challenge.as_ref().ok_or(OAuth2Error::invalid("there is no `code_challenge`"))?;
        let allowed = self.allowed_by(owner, &request.application.client_id).await?;
        let token = OpaqueToken::generate(&CODE);
        let code = AuthorizationCode {
            id: token.id().to_owned(),
            digest: token.digest(),
            client_id: request.application.client_id.clone(),
            allowed,
            redirect_uri: request.redirect_uri.clone(),
            names_redirect_uri: request.names_redirect_uri,
            code_challenge: challenge.as_str().to_owned(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            valid_until: self.now() + LIFETIME,
            grant: None,
        };
        if self.store().insert(&code).await? { Ok(token.expose()) } else { Err(OAuth2Error::Contended) }
    }
}

impl Kept for AuthorizationCode {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::AuthorizationCode;

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.allowed.user_id)
    }

    /// A used one is remembered, so that its second use is known for what it is.
    fn expires_at(&self) -> DateTime<Utc> {
        if self.grant.is_some() { self.valid_until + REMEMBERED } else { self.valid_until }
    }
}
