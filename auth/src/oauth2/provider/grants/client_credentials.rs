use super::{TokenRequest, invalid_scope};
use crate::oauth2::provider::authorization::asked;
use crate::oauth2::provider::{
    GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, TokenResponse,
};

impl OAuth2Authentication {
    /// A token for the client itself (RFC 6749 §4.4): for no user, whatever the client is called, and without another one to
    /// follow (§4.4.3).
    pub(super) async fn client_credentials(
        &self,
        application: &OAuth2Application,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuth2Error> {
        if !application.is_confidential() {
            let description = "only a confidential client has credentials";
            return Err(OAuth2Error::refused(OAuth2ErrorCode::UnauthorizedClient, description));
        }
        let scope = asked(request.scope.as_deref(), &application.scopes).map_err(invalid_scope)?;
        let scope = scope.without("openid").without("offline_access");
        let grant = self.new_grant(application, GrantType::ClientCredentials, scope.clone());
        self.insert_grant(&grant).await?;
        let response = self.respond(application, &grant, scope, None, None).await?;
        self.tell_issued(&grant).await;
        Ok(response)
    }
}
