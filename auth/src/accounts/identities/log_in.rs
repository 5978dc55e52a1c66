use std::sync::{Arc, PoisonError};

use super::LinkedIdentity;
use super::store::is_sound;
use crate::accounts::{AuthResult, AuthenticationError, AuthenticationService, Error};
use crate::audit::{AuditAction, Origin};
use crate::database::Role;
use crate::limits::{Backoff, Decision, Limit, LimitRule, OnSuccess};
use crate::mfa::AuthMethods;
use crate::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use crate::sessions::Identity;
use crate::users::{BaseUserManager as _, UserError, UserManager, UserModel};

/// The most bytes of what a session keeps of all that a provider said.
const MAX_ATTRIBUTES: usize = 8 << 10;

impl<U: UserModel> AuthenticationService<U> {
    /// Lets people log in by this provider, from now on, under [its name](AuthProvider::name): `/login/{name}` among
    /// `auth.provider_routes()`. One of the same name makes way for it. All servers register the same ones.
    pub fn register_provider(&self, provider: impl AuthProvider) {
        let mut providers = self.inner().providers.write().unwrap_or_else(PoisonError::into_inner);
        providers.insert(provider.name().to_owned(), Arc::new(provider));
    }

    /// The names of the providers that people can log in by.
    pub fn providers(&self) -> Vec<String> {
        self.inner().providers.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    pub(super) fn provider(&self, name: &str) -> Result<Arc<dyn AuthProvider>, Error> {
        let known = self.inner().providers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.ok_or_else(|| Error::Configuration(format!("no auth provider `{name}` is registered")))
    }

    pub(in crate::accounts) async fn by_provider(
        &self,
        flow: &AuthorizationFlow,
        response: &AuthorizationResponse,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let method = format!("oauth {}", flow.provider());
        let mut result = match self.recognise(flow, response, origin).await {
            Ok(result) => result,
            Err(error) => {
                if !matches!(error, AuthenticationError::Unavailable(_)) {
                    let failed = AuditAction::LoginFailed { method: method.into(), reason: error.reason().into() };
                    self.inner().audit.from(origin.clone()).record(failed, None).await;
                }
                return Err(error);
            }
        };
        self.second_step(&result).await?;
        self.logged_in(&mut result, &method, origin).await?;
        Ok(result)
    }

    /// The user whose the identity is, or who is made for it.
    async fn recognise(
        &self,
        flow: &AuthorizationFlow,
        response: &AuthorizationResponse,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let info = self.vouched(flow, response).await?;
        let user_id = match self.inner().identities.owner(&info).await.map_err(Error::from)? {
            Some(user_id) => user_id,
            None => self.sign_up(flow.provider(), &info, origin).await?,
        };
        let account = self.inner().users.find_by_id_text(&user_id).await?;
        // Whoever was logged in at the provider proved nothing now.
        let now = self.inner().clock.now();
        let at = info.auth_time.map_or(now, |at| at.min(now));
        let result =
            self.result_at(account, None, AuthMethods::PROVIDER, at).ok_or(AuthenticationError::UserNotFound)?;
        Ok(AuthResult { identity: Some(identity(info)), ..result })
    }

    /// Whom the provider vouches for.
    pub(super) async fn vouched(
        &self,
        flow: &AuthorizationFlow,
        response: &AuthorizationResponse,
    ) -> Result<OAuthUserInfo, AuthenticationError> {
        let name = flow.provider();
        let failed = |source| AuthenticationError::from(Error::Backend { name: name.to_owned(), source });
        match self.provider(name)?.exchange_code(response, flow).await {
            Ok(info) if is_sound(&info) => Ok(info),
            Ok(_) => Err(failed("it names an account by nothing that can be kept".into())),
            Err(AuthProviderError::Refused { reason }) => {
                tracing::warn!(provider = name, reason, "what came back from a provider logs nobody in");
                Err(AuthenticationError::InvalidToken { reason })
            }
            Err(error) => Err(failed(Box::new(error))),
        }
    }

    /// Makes a user for an identity that is nobody's, and gives its id.
    async fn sign_up(
        &self,
        provider: &str,
        info: &OAuthUserInfo,
        origin: &Origin,
    ) -> Result<String, AuthenticationError> {
        let inner = self.inner();
        let Some(wanted) = (inner.sign_up)(info) else {
            let (has_email, email_verified) = (info.email.is_some(), info.email_verified);
            tracing::warn!(provider, has_email, email_verified, "nobody is made a user for a provider's account");
            return Err(AuthenticationError::NoAccount);
        };
        // As registrations are limited, and with them.
        self.limited("registration by source", Backoff::SOURCE, origin).await?;
        let email = U::column_of(Role::Email).and_then(|column| wanted.extra.get(column.name)?.as_str());
        if let Some(email) = email
            && inner.users.find_by_login(email).await?.is_some()
        {
            return self.made_meanwhile(info).await;
        }
        let users: UserManager<U> = inner.users.by(origin.clone());
        let user = match users.create_user(&wanted.username, None, wanted.extra).await {
            Ok(user) => user,
            Err(UserError::AlreadyExists { .. }) => return self.made_meanwhile(info).await,
            Err(UserError::Invalid(error)) => {
                tracing::warn!(%error, provider, "a provider's account cannot be a user");
                return Err(AuthenticationError::NoAccount);
            }
            Err(error) => return Err(error.into()),
        };
        let (user_id, now) = (user.id(), inner.clock.now());
        let identity = LinkedIdentity::new(provider, info, now);
        let inserted = inner.identities.insert(&user_id, &identity).await;
        if let Ok(true) = inserted {
            let linked = AuditAction::IdentityLinked { provider: provider.to_owned().into() };
            inner.audit.from(origin.clone()).record(linked, Some(&user_id)).await;
            return Ok(user_id);
        }
        if inserted.is_err() {
            // Where it is certain that it was not written, the user goes: nobody could log in as them, nor have their name.
            inner.identities.take(&user_id, &identity.id).await.map_err(Error::from)?;
        }
        // Otherwise another answer with the same identity was quicker: its user is the one.
        users.delete(user.primary_key()).await?;
        inserted.map_err(Error::from)?;
        self.made_meanwhile(info).await
    }

    /// The user whom another answer with the same identity made at the same moment; otherwise somebody else has the name.
    async fn made_meanwhile(&self, info: &OAuthUserInfo) -> Result<String, AuthenticationError> {
        let owner = self.inner().identities.owner(info).await.map_err(Error::from)?;
        owner.ok_or(AuthenticationError::AccountExists)
    }

    /// Counts a try of this source.
    pub(super) async fn limited(
        &self,
        subject: &'static str,
        rule: impl Into<LimitRule>,
        origin: &Origin,
    ) -> Result<(), AuthenticationError> {
        let limit = Limit::by_source(subject, origin.source, rule, OnSuccess::Keep);
        let decision = self.inner().limiter_of_factors.attempt(limit.as_slice()).await;
        match decision.map_err(|error| Error::Limits(Box::new(error)))? {
            Decision::Allowed(_) => Ok(()),
            Decision::Wait(wait) => Err(AuthenticationError::TooMany { wait }),
        }
    }
}

/// What the session keeps of it: of addresses only one that is verified.
fn identity(info: OAuthUserInfo) -> Identity {
    let email = info.verified_email().map(str::to_owned);
    let mut identity = Identity::new(info.issuer, info.subject);
    (identity.email, identity.username, identity.attributes) = (email, info.username, info.attributes);
    if let Some(name) = info.name {
        identity.attributes.insert("name".to_owned(), name.into());
    }
    let length = serde_json::to_vec(&identity.attributes).map_or(usize::MAX, |json| json.len());
    if length > MAX_ATTRIBUTES {
        tracing::warn!(length, "what a provider said of an account is too long to be kept in the session");
        identity.attributes.clear();
    }
    identity
}
