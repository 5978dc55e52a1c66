//! What a token is, for who must not read it themselves (RFC 7662).

use serde_json::{Value, json};

use super::{OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, OAuth2TokenVerdict};

impl OAuth2Authentication {
    /// What RFC 7662 §2.2 answers about a token: to a confidential client, about its own tokens and those for its audience.
    /// About any other it says no more than that it is not active.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`] to a public client, and when a store cannot tell.
    pub async fn introspect(&self, caller: &OAuth2Application, token: &str) -> Result<Value, OAuth2Error> {
        if !caller.is_confidential() {
            let description = "only a confidential client may ask";
            return Err(OAuth2Error::refused(OAuth2ErrorCode::UnauthorizedClient, description));
        }
        let inactive = json!({ "active": false });
        if let Some(family) = self.inner.rotation.in_force(token).await? {
            let grant = self.grant(&family.id).await?;
            let Some(grant) = grant.filter(|grant| grant.client_id == caller.client_id) else { return Ok(inactive) };
            let Some(user_id) = &grant.user_id else { return Ok(inactive) };
            if self.inner.subjects.current(user_id).await? != Some(grant.credential) {
                return Ok(inactive);
            }
            return Ok(json!({
                "active": true,
                "client_id": grant.client_id,
                "sub": user_id,
                "scope": grant.scope.to_string(),
                "exp": family.expires_at.timestamp(),
                "iat": family.used_at.timestamp(),
                "iss": self.issuer()?,
            }));
        }
        for audience in [caller.audience.as_deref(), Some(self.audience())].into_iter().flatten() {
            let OAuth2TokenVerdict::Accepted(token) = self.verify_for(token, audience).await? else { continue };
            let is_for_caller = caller.audience.as_ref() == Some(&token.audience);
            if token.client_id != caller.client_id && !is_for_caller {
                return Ok(inactive);
            }
            let mut answer = json!({
                "active": true,
                "token_type": "Bearer",
                "client_id": token.client_id,
                "sub": token.user_id.as_deref().unwrap_or(&token.client_id),
                "scope": token.scope.to_string(),
                "aud": token.audience,
                "jti": token.jti,
                "exp": token.expires_at.timestamp(),
                "iat": token.issued_at.timestamp(),
                "iss": self.issuer()?,
            });
            if let Some(auth_time) = token.auth_time {
                answer["auth_time"] = auth_time.timestamp().into();
            }
            return Ok(answer);
        }
        Ok(inactive)
    }
}
