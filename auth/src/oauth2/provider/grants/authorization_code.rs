use super::TokenRequest;
use crate::audit::AuditAction;
use crate::oauth2::provider::code::{AuthorizationCode, CODE};
use crate::oauth2::provider::store::Found;
use crate::oauth2::provider::{GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, TokenResponse};
use crate::oauth2::{CodeChallenge, CodeVerifier};
use crate::records::RecordReplaced;
use crate::tokens::OpaqueToken;

const REFUSED: &str = "the code is not valid";

impl OAuth2Authentication {
    /// The tokens for a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
    ///
    /// # Security
    /// A code that its client brings a second time is in two hands: all that came of it ends (RFC 6749 §4.1.2; RFC 9700 §2.1.1).
    /// Of many who bring it at the same moment one is first, and the others are a second time: then nobody keeps a token. A code
    /// with another client, redirect URI or verifier than its own has leaked, and is good for nothing after that.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`] with `invalid_grant`, and when a store fails: the code may be used up.
    pub async fn exchange_code(
        &self,
        application: &OAuth2Application,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuth2Error> {
        let code = request.code.as_ref().ok_or(OAuth2Error::invalid("there is no `code`"))?;
        let refused = || OAuth2Error::invalid_grant(REFUSED);
        let token = OpaqueToken::parse(&CODE, code.expose()).ok_or_else(refused)?;
        let found = self.store().find::<AuthorizationCode>(token.id()).await?;
        let mut found = found.filter(|found| token.has_digest(&found.value.digest)).ok_or_else(refused)?;
        if found.value.grant.is_some() {
            return Err(self.reused(application, &found.value).await?);
        }
        let code = &found.value;
        if code.valid_until <= self.now() {
            return Err(refused());
        }
        let (grant_type, scope) = (GrantType::AuthorizationCode, code.scope.clone());
        // The grant is there before the code says so: whoever comes second can end it.
        let granted = if let Some(reason) = flaw(code, application, request) {
            tracing::info!(client = application.client_id, reason, "a code gives no tokens");
            None
        } else {
            self.begin_grant(application, grant_type, scope, &code.allowed).await?
        };
        let Some((grant, refresh_token)) = granted else {
            self.store().take::<AuthorizationCode>(&code.id).await?;
            return Err(refused());
        };
        found.value.grant = Some(grant.id.clone());
        if self.store().replace(&found).await? != RecordReplaced::Done {
            self.end_grant(&grant.id).await?;
            let found: Option<Found<AuthorizationCode>> = self.store().find(token.id()).await?;
            return match found {
                Some(found) => Err(self.reused(application, &found.value).await?),
                None => Err(refused()),
            };
        }
        let (scope, nonce) = (grant.scope.clone(), found.value.nonce.as_deref());
        let response = self.respond(application, &grant, scope, refresh_token, nonce).await?;
        self.tell_issued(&grant).await;
        Ok(response)
    }

    /// Ends what came of a code that was used before.
    async fn reused(
        &self,
        application: &OAuth2Application,
        code: &AuthorizationCode,
    ) -> Result<OAuth2Error, OAuth2Error> {
        if let Some(grant) = code.grant.as_deref().filter(|_| code.client_id == application.client_id) {
            self.end_grant(grant).await?;
            let client = code.client_id.clone().into();
            self.audit().record(AuditAction::CodeReused { client }, Some(&code.allowed.user_id)).await;
        }
        Ok(OAuth2Error::invalid_grant(REFUSED))
    }
}

/// Why the code was not issued for this: to the client, by the redirect URI, from the verifier. For the log alone.
fn flaw(code: &AuthorizationCode, application: &OAuth2Application, request: &TokenRequest) -> Option<&'static str> {
    let redirect_uri = match request.redirect_uri.as_deref() {
        Some(given) => given == code.redirect_uri,
        None => !code.names_redirect_uri,
    };
    let verifier = request.code_verifier.as_ref().and_then(|text| CodeVerifier::parse(text.expose()).ok());
    let challenge = CodeChallenge::parse(&code.code_challenge).ok();
    let is_proven = verifier.zip(challenge).is_some_and(|(verifier, challenge)| challenge.verify(&verifier));
    let rules = [
        (code.client_id == application.client_id, "it was issued to another client"),
        (redirect_uri, "`redirect_uri` is not the one that it was asked for with"),
        (is_proven, "`code_verifier` is not the one of its `code_challenge`"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, flaw)| flaw)
}
