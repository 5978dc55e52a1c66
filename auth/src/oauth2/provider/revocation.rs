//! Tokens that are no longer wanted (RFC 7009).

use super::{OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2TokenVerdict};
use crate::audit::AuditAction;

impl OAuth2Authentication {
    /// Ends the grant that a token of this client's came of, and so every other token of it. A token that is not the client's, or
    /// none at all, is left as it is: both look like a success.
    ///
    /// # Errors
    /// [`OAuth2Error`] when a store fails: ask again.
    pub async fn revoke_token(&self, caller: &OAuth2Application, token: &str) -> Result<(), OAuth2Error> {
        let audience = caller.audience.as_deref().unwrap_or(self.audience());
        let id = match self.inner.rotation.family_of(token).await? {
            Some(family) => family.id,
            None => match self.verify_without_user(token, audience).await? {
                OAuth2TokenVerdict::Accepted(token) => token.grant,
                OAuth2TokenVerdict::Refused(_) | OAuth2TokenVerdict::Foreign => return Ok(()),
            },
        };
        let grant = self.grant(&id).await?.filter(|grant| grant.client_id == caller.client_id);
        let Some(grant) = grant else { return Ok(()) };
        self.end_grant(&grant.id).await?;
        let revoked = AuditAction::TokensRevoked { token: grant.id.into(), reason: "client".into() };
        self.audit().record(revoked, grant.user_id.as_deref()).await;
        Ok(())
    }
}
