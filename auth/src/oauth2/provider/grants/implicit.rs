use crate::oauth2::provider::{
    AuthorizationRequest, GrantType, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, ResourceOwner,
};

impl OAuth2Authentication {
    /// Sends a token in the fragment (RFC 6749 §4.2.2), without another one to follow.
    pub(in crate::oauth2::provider) async fn answer_implicit(
        &self,
        request: &AuthorizationRequest,
        owner: &ResourceOwner,
    ) -> Result<String, OAuth2Error> {
        let scope = request.scope.without("openid").without("offline_access");
        let mut application = request.application.clone();
        application.grants.retain(|grant| *grant != GrantType::RefreshToken);
        let allowed = self.allowed_by(owner, &application.client_id).await?;
        let Some((grant, _)) = self.begin_grant(&application, GrantType::Implicit, scope, &allowed).await? else {
            return self.refuse(request, OAuth2ErrorCode::AccessDenied, "the user has taken it back");
        };
        let token = self.issue_access_token(&application, &grant, &grant.scope).await?;
        self.tell_issued(&grant).await;
        let (scope, seconds) = (grant.scope.to_string(), self.inner.access_lifetime.num_seconds().to_string());
        self.answer(
            request,
            &[("access_token", token.expose()), ("token_type", "Bearer"), ("expires_in", &seconds), ("scope", &scope)],
        )
    }
}
