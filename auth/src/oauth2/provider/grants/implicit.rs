use crate::oauth2::provider::token::Granted;
use crate::oauth2::provider::{AuthorizationRequest, GrantType, OAuth2Authentication, OAuth2Error, ResourceOwner};

impl OAuth2Authentication {
    /// Sends a token in the fragment (RFC 6749 §4.2.2), without another one to follow.
    pub(in crate::oauth2::provider) async fn answer_implicit(
        &self,
        request: &AuthorizationRequest,
        owner: &ResourceOwner,
    ) -> Result<String, OAuth2Error> {
        let granted = Granted {
            grant_type: GrantType::Implicit,
            user_id: Some(owner.user_id.clone()),
            credential: owner.credential,
            scope: request.scope.without("openid").without("offline_access"),
            auth_time: Some(owner.auth_time),
            methods: owner.methods.names().into_iter().map(str::to_owned).collect(),
            session: owner.session.clone(),
        };
        let mut application = request.application.clone();
        application.grants.retain(|grant| *grant != GrantType::RefreshToken);
        let (grant, _) = self.begin_grant(&application, granted).await?;
        let token = self.issue_access_token(&application, &grant, &grant.scope).await?;
        self.tell_issued(&grant).await;
        let (scope, seconds) = (grant.scope.to_string(), self.inner.access_lifetime.num_seconds().to_string());
        self.answer(
            request,
            &[("access_token", token.expose()), ("token_type", "Bearer"), ("expires_in", &seconds), ("scope", &scope)],
        )
    }
}
