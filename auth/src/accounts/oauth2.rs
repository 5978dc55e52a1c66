//! This application as an OAuth 2 provider: how it is set up, and what its tokens permit.

use std::sync::Arc;

use chrono::TimeDelta;

use super::service::{AuthResult, AuthenticationService};
use super::tokens::Subjects;
use super::{Auth, AuthBuilder, AuthenticationError, Error, Settings};
use crate::access::Principal;
use crate::audit::{Audit, AuditAction, Origin};
use crate::limits::Limiter;
use crate::oauth2::provider::{
    OAuth2Authentication, OAuth2Config, OAuth2TokenStore, OAuth2TokenVerdict, Parts, RecordOAuth2Store, ResourceOwner,
};
use crate::records::DynRecordStore;
use crate::registry::Context;
use crate::secret::SecretString;
use crate::sessions::Session;
use crate::tokens::{JwtAuth, JwtError, JwtKey, KeyRing, RecordRefreshStore, TokenError, TokenRotationManager};
use crate::users::{Account, UserManager, UserModel};

/// What the builder was told.
#[derive(Default)]
pub(super) struct OAuth2Settings {
    config: Option<OAuth2Config>,
    store: Option<Arc<dyn OAuth2TokenStore>>,
}

impl<U: UserModel> AuthBuilder<U> {
    /// Makes this application an OAuth 2 provider of that issuer, with these settings. Without, the first [`origin`](Self::origin) is
    /// the issuer. The endpoints are `auth.oauth2_routes()`. A setting that is wrong is an error of [`build`](Self::build).
    pub fn oauth2(mut self, config: OAuth2Config) -> Self {
        self.oauth2.config = Some(config);
        self
    }

    /// Keeps clients, codes, grants and consents in this store of your own: in the application's [records](Self::records), if nothing
    /// is said. `oauth2_token_store_suite!` (feature `testing`) says whether it holds what it must.
    pub fn oauth2_store(mut self, store: impl OAuth2TokenStore) -> Self {
        self.oauth2.store = Some(Arc::new(store));
        self
    }
}

impl OAuth2Settings {
    pub(super) fn provider<U: UserModel>(
        self,
        settings: &Settings,
        users: &UserManager<U>,
        records: &DynRecordStore,
        limiter: &Limiter,
        audit: &Audit,
        context: &Context,
    ) -> Result<OAuth2Authentication, Error> {
        let of_origin = || settings.trusted_origins.first().and_then(|origin| OAuth2Config::of_origin(origin));
        let families = Arc::new(RecordRefreshStore::over(records.clone()));
        let tokens = &settings.tokens;
        let rotation = TokenRotationManager::new(families, &context.secret)
            .with_clock(context.clock.clone())
            .with_prefix("auth_oauth_refresh")?
            .with_lifetimes(tokens.refresh_idle, tokens.refresh_absolute)?;
        let refresh_absolute = TimeDelta::from_std(tokens.refresh_absolute).unwrap_or(TimeDelta::days(90));
        Ok(OAuth2Authentication::new(Parts {
            config: self.config.or_else(of_origin),
            store: self.store.unwrap_or_else(|| Arc::new(RecordOAuth2Store::over(records.clone()))),
            records: records.clone(),
            secret: context.secret.clone(),
            jwt: JwtAuth::with_keys(own_keys(context).map_err(TokenError::from)?),
            rotation,
            refresh_absolute,
            subjects: Arc::new(Subjects(users.clone())),
            limiter: limiter.clone(),
            audit: audit.clone(),
            clock: context.clock.clone(),
        })?)
    }
}

/// The newest secret signs, older ones still verify.
fn own_keys(context: &Context) -> Result<KeyRing, JwtError> {
    let key = context.secret.derive("auth: oauth2 access tokens");
    let mut keys = key.each(&[b"HS256"]).map(JwtKey::hs256);
    let newest = keys.next().expect("there is a current secret")?;
    keys.try_fold(KeyRing::new(newest)?, |ring, key| ring.and_verify(key?))
}

impl<U: UserModel> Auth<U> {
    /// This application as an OAuth 2 provider: its clients, their tokens, and what users allowed them.
    pub fn oauth2(&self) -> &OAuth2Authentication {
        &self.authentication().inner().oauth2
    }

    /// Who may allow a client something: somebody logged in, in this session. Nobody whom a token, a key or a proxy speaks for:
    /// what a client gets would outlive it.
    pub fn resource_owner(&self, principal: &Principal, session: &Session) -> Option<ResourceOwner> {
        let is_theirs = session.login().is_some_and(|login| login.user_id == principal.id());
        (is_theirs && principal.is_in_person()).then(|| ResourceOwner {
            user_id: principal.id().to_owned(),
            credential: principal.credential(),
            auth_time: principal.authenticated_at(),
            methods: principal.auth_methods(),
            session: session.stored_digest().map(|digest| digest.to_string()),
        })
    }
}

impl<U: UserModel> AuthenticationService<U> {
    /// A client's token acts for its user, with no more than its scope and what the user holds now. One without a user acts for
    /// nobody, whatever its subject is called (RFC 9700 §4.15); one that says who its user is, and no more, is for the userinfo
    /// endpoint alone. Nothing for a token that is none of the provider's.
    pub(super) async fn by_oauth2_token(
        &self,
        token: &SecretString,
        origin: &Origin,
    ) -> Result<Option<AuthResult<U>>, AuthenticationError> {
        let inner = self.inner();
        let refused = |reason| Err(AuthenticationError::InvalidToken { reason });
        let verdict = inner.oauth2.verify_without_user(token.expose(), inner.oauth2.audience()).await;
        let token = match verdict.map_err(Error::from)? {
            OAuth2TokenVerdict::Foreign => return Ok(None),
            OAuth2TokenVerdict::Accepted(token) => token,
            OAuth2TokenVerdict::Refused(reason) => {
                tracing::info!(reason, "a client's access token is refused");
                return refused(reason);
            }
        };
        let Some(user_id) = &token.user_id else { return refused("the token is a client's own, and for no user") };
        if token.scope.is_of_identity() {
            return refused("the token tells who its user is, and permits nothing");
        }
        let scopes = token.scope.permissions();
        let holds = |account: Account<U>| {
            let principal = Principal::delegated(&account, token.auth_time.unwrap_or(token.issued_at), &scopes)?;
            (account.credential == token.credential).then(|| AuthResult::of(&principal, account.credential))
        };
        let Some(mut result) = inner.users.find_recent(user_id, holds).await? else {
            let reason = "its user is gone, inactive, or has another password";
            let action = AuditAction::TokenRefused { kind: "access".into(), reason: reason.into() };
            inner.audit.from(origin.clone()).record(action, Some(user_id)).await;
            return refused(reason);
        };
        result.expires_at = Some(token.expires_at);
        Ok(Some(result))
    }
}
