use super::{TokenRequest, invalid_scope};
use crate::audit::AuditAction;
use crate::oauth2::provider::{OAuth2Application, OAuth2Authentication, OAuth2Error, Scope, TokenResponse};
use crate::tokens::Rotation;

const REFUSED: &str = "the refresh token is not valid";

impl OAuth2Authentication {
    /// The next tokens (RFC 6749 §6). The scope may be narrowed for the access token; the next one may have all of it again.
    ///
    /// # Security
    /// A token that is used twice, or by another client, ends its grant, and every token of it (RFC 9700 §4.14.2).
    pub(super) async fn refresh(
        &self,
        application: &OAuth2Application,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuth2Error> {
        let token = request.refresh_token.as_ref().ok_or(OAuth2Error::invalid("there is no `refresh_token`"))?;
        let refused = || OAuth2Error::invalid_grant(REFUSED);
        let rotation = &self.inner.rotation;
        let family = rotation.family_of(token.expose()).await?.ok_or_else(refused)?;
        let Some(grant) = self.grant(&family.id).await? else {
            // One of the application's own logins, or a grant that has ended: its family is nothing to a client.
            return Err(refused());
        };
        let Some(user_id) = grant.user_id.as_deref() else { return Err(refused()) };
        let is_gone = grant.client_id == application.client_id && !grant.is_of(application);
        if is_gone || !self.is_current(user_id, grant.credential).await? {
            self.end_grant(&grant.id).await?;
            return Err(refused());
        }
        // All that can fail for another reason comes before the token is used up.
        let scope = match request.scope.as_deref().map(Scope::parse) {
            None => grant.scope.clone(),
            Some(Ok(scope)) if scope.is_within(&grant.scope) => scope,
            Some(_) => return Err(invalid_scope("the scope is more than was granted")),
        };
        self.issuer()?;
        if scope.contains("openid") {
            self.id_tokens().keys().ring().await?;
        }
        match rotation.rotate(token.expose(), Some(&application.client_id)).await? {
            Rotation::Rotated(next) => {
                let response = self.respond(application, &grant, scope, Some(next.token), None).await?;
                let (family, client) = (grant.id.clone().into(), grant.client_id.clone().into());
                let refreshed = AuditAction::TokensRefreshed { family, client };
                self.audit().record(refreshed, grant.user_id.as_deref()).await;
                Ok(response)
            }
            Rotation::Reused { family, .. } => {
                self.end_grant(&family).await?;
                self.audit().record(AuditAction::TokenReused { family: family.into() }, grant.user_id.as_deref()).await;
                Err(refused())
            }
            Rotation::Ended { family } => {
                self.end_grant(&family).await?;
                Err(refused())
            }
            Rotation::Refused(_) => Err(refused()),
        }
    }
}
