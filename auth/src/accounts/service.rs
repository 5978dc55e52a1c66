use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::identities::{IdentityStore, Providers, SignUpPolicy};
use super::{AuthCredentials, AuthenticationError, CompositeAuthBackend, Error, FirstFactor, Verdict};
use crate::access::{CurrentUser, Principal};
#[cfg(feature = "__sql")]
use crate::audit::DatabaseAuditSink;
use crate::audit::{Audit, AuditAction, Origin};
use crate::clock::Clock;
use crate::limits::{Decision, KnownDevices, Limiter, LoginAttempt, LoginLimiter};
use crate::mfa::{AuthMethods, MFAAuthentication};
#[cfg(feature = "oauth2-provider")]
use crate::oauth2::provider::OAuth2Authentication;
use crate::passwords::MAX_PASSWORD_BYTES;
use crate::permissions::PermissionSet;
use crate::records::DynRecordStore;
use crate::secret::SecretString;
use crate::sessions::{Identity, SessionKey};
use crate::tokens::{ApiKeyVerdict, ApiKeys};
#[cfg(feature = "token-jwt")]
use crate::tokens::{TokenPair, TokenService};
use crate::users::{Account, BaseUserManager as _, CredentialVersion, Extra, UserError, UserManager, UserModel};

/// Every way in, by one set of rules: passwords, tokens, API keys, identity providers, trusted proxies.
///
/// Whatever is brought, the user is read from the store for this call: one who is gone or inactive is refused, and what the
/// user holds now is what holds. Tries at passwords are limited, failures look alike and cost the same, and everything is
/// told to the [`Audit`]. `auth.authentication()` gives it; the layer, the routes and `auth.log_in` go through it.
pub struct AuthenticationService<U: UserModel> {
    inner: Arc<Inner<U>>,
}

pub(super) struct Inner<U: UserModel> {
    pub(super) users: UserManager<U>,
    pub(super) backends: CompositeAuthBackend,
    pub(super) providers: Providers,
    pub(super) identities: IdentityStore,
    pub(super) sign_up: SignUpPolicy,
    pub(super) limiter: LoginLimiter,
    pub(super) mfa: MFAAuthentication,
    pub(super) limiter_of_factors: Limiter,
    pub(super) devices: KnownDevices,
    pub(super) records: DynRecordStore,
    pub(super) api_keys: ApiKeys,
    #[cfg(feature = "token-jwt")]
    pub(super) tokens: TokenService,
    #[cfg(feature = "oauth2-provider")]
    pub(super) oauth2: OAuth2Authentication,
    pub(super) audit: Audit,
    #[cfg(feature = "__sql")]
    pub(super) trail: Option<DatabaseAuditSink>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Somebody who is authenticated.
#[non_exhaustive]
pub struct AuthResult<U> {
    /// Who, with what they hold now.
    pub user: CurrentUser<U>,
    /// The session that was begun, if one was.
    pub session: Option<SessionKey>,
    /// The tokens that were issued, if any were.
    #[cfg(feature = "token-jwt")]
    pub token: Option<TokenPair>,
    /// After a password: what the device keeps, so that others' guesses do not keep it out
    /// ([`AuthCredentials::on_device`]). It is good for this user, until the password is changed.
    pub device: Option<SecretString>,
    /// When what was brought, or what was begun, ends at the latest.
    pub expires_at: Option<DateTime<Utc>>,
    /// By which ways they proved who they are.
    pub(super) methods: AuthMethods,
    /// By which account at another provider, if by one.
    pub(super) identity: Option<Identity>,
    /// The credential version that was checked.
    pub(super) credential: CredentialVersion,
    /// Where it came from.
    pub(super) origin: Origin,
    /// Whether something longer may be made of it: a session, a refresh token. Not of what lasts as long as it is brought.
    pub(super) is_login: bool,
}

impl<U> AuthResult<U> {
    /// Everything the user holds now; for an API key or a token with scopes, no more than these say.
    pub fn permissions(&self) -> &PermissionSet {
        self.user.permissions()
    }

    /// Of what is brought with every request, nothing is made that lasts longer, or permits more.
    pub(super) fn check_login(&self) -> Result<(), AuthenticationError> {
        if self.is_login {
            return Ok(());
        }
        Err(AuthenticationError::InvalidToken { reason: "neither a session nor tokens are made of such credentials" })
    }

    /// Who it is, without the struct.
    pub fn principal(&self) -> &Principal {
        self.user.principal()
    }
}

impl<U> fmt::Debug for AuthResult<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AuthResult");
        shown.field("user", &self.user).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl<U: UserModel> AuthenticationService<U> {
    pub(super) fn new(inner: Inner<U>) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The auth backends that passwords are checked by, in their order; more can be added at run time.
    pub fn backends(&self) -> &CompositeAuthBackend {
        &self.inner.backends
    }

    /// Says who that is. Nothing is begun: no session, no token.
    ///
    /// # Errors
    /// [`AuthenticationError`]. In all its kinds nobody is authenticated.
    pub async fn authenticate(
        &self,
        credentials: AuthCredentials,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let method = credentials.method();
        let mut result = match credentials {
            AuthCredentials::Password { username, password, device } => {
                self.by_password(&username, &password, device.as_ref(), origin).await
            }
            #[cfg(feature = "token-jwt")]
            AuthCredentials::Token { token } => self.by_token(&token, origin).await,
            #[cfg(not(feature = "token-jwt"))]
            AuthCredentials::Token { .. } => {
                Err(AuthenticationError::InvalidToken { reason: "tokens need the feature `token-jwt`" })
            }
            AuthCredentials::ApiKey { key } => self.by_api_key(&key).await,
            AuthCredentials::OAuth { flow, response } => self.by_provider(&flow, &response, origin).await,
            AuthCredentials::RemoteUser { username, create } => self.by_name(&username, create, origin).await,
        };
        match &mut result {
            Ok(result) => result.origin = origin.clone(),
            // The name is left out: people type passwords into the wrong field.
            Err(error) => {
                tracing::info!(method, source = ?origin.source, "not authenticated: {}", error.reason());
            }
        }
        result
    }

    async fn by_password(
        &self,
        username: &str,
        password: &SecretString,
        device: Option<&SecretString>,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        const METHOD: &str = "password";
        let inner = &*self.inner;
        let limits = |error| Error::Limits(Box::new(error));
        let audit = inner.audit.from(origin.clone());
        // Who logs in by name and by mail address has one budget.
        let known = inner.users.find_by_login(username).await?;
        let user_id = known.as_ref().map(|account| account.user.id());
        let known_to = known.as_ref().map(|account| knowing(&account.user.id(), account.credential));
        let account = match known {
            Some(account) => account.user.username().to_owned(),
            None => UserManager::<U>::canonical_login(username),
        };
        let device = known_to.zip(device).and_then(|(login, device)| inner.devices.recognise(&login, device.expose()));
        let mut attempt = LoginAttempt::new(&account, origin.source);
        attempt.known_device = device.as_deref();
        let ticket = match inner.limiter.attempt(&attempt).await.map_err(limits)? {
            Decision::Allowed(ticket) => ticket,
            Decision::Wait(wait) => {
                if inner.limiter.is_news(&attempt).await.unwrap_or(true) {
                    audit.record(AuditAction::LoginLimited { method: METHOD.into() }, user_id.as_deref()).await;
                }
                return Err(AuthenticationError::TooMany { wait });
            }
        };
        match self.check_password(username, password).await {
            Ok(mut result) => {
                // Before anything is begun: a login that is answered with a failure is none.
                inner.limiter.succeeded(ticket).await.map_err(limits)?;
                self.second_step(&result).await?;
                self.logged_in(&mut result, METHOD, origin).await?;
                Ok(result)
            }
            Err(AuthenticationError::Unavailable(error)) => {
                inner.limiter.not_made(ticket).await.map_err(limits)?;
                Err(error.into())
            }
            Err(refused) => {
                let reason = refused.reason().into();
                audit.record(AuditAction::LoginFailed { method: METHOD.into(), reason }, user_id.as_deref()).await;
                Err(refused)
            }
        }
    }

    async fn check_password(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        // No password is that long. The try is counted, and nothing is looked up.
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return Err(AuthenticationError::InvalidCredentials);
        }
        let verdict = self.inner.backends.check(username, password).await?;
        let result = self.by_verdict(verdict, AuthMethods::PASSWORD).await?;
        result.ok_or(AuthenticationError::InvalidCredentials)
    }

    /// Nothing, where the login is complete; an error where a second factor is required, whatever way in was taken.
    pub(super) async fn second_step(&self, result: &AuthResult<U>) -> Result<(), AuthenticationError> {
        let (id, methods) = (result.principal().id(), result.methods);
        if methods.is_multi_factor() {
            return Ok(());
        }
        let factors = self.inner.mfa.required(id).await.map_err(Error::from)?;
        if factors.is_empty() {
            return Ok(());
        }
        let (user_id, identity) = (id.to_owned(), result.identity.clone());
        let first = FirstFactor { user_id, credential: result.credential, methods, factors, identity };
        Err(AuthenticationError::SecondFactorRequired(Box::new(first)))
    }

    /// What a complete login leaves behind, and what the device gets.
    pub(super) async fn logged_in(
        &self,
        result: &mut AuthResult<U>,
        method: &str,
        origin: &Origin,
    ) -> Result<(), AuthenticationError> {
        self.note_login(result, method, &self.inner.audit.from(origin.clone())).await?;
        if result.methods.contains(AuthMethods::PASSWORD) {
            let known_to = knowing(result.principal().id(), result.credential);
            result.device = Some(self.inner.devices.issue(&known_to));
        }
        Ok(())
    }

    /// A key gives what its scopes and its owner's permissions of now have in common.
    async fn by_api_key(&self, key: &SecretString) -> Result<AuthResult<U>, AuthenticationError> {
        let key = match self.inner.api_keys.verify(key.expose()).await? {
            ApiKeyVerdict::Accepted(key) => key,
            ApiKeyVerdict::Refused(refused) => {
                return Err(AuthenticationError::InvalidToken { reason: refused.reason() });
            }
        };
        let scopes = PermissionSet::of(&key.scopes);
        let owner = |account: Account<U>| {
            let principal = Principal::delegated(&account, key.created_at, &scopes)?;
            Some(AuthResult::of(&principal, account.credential))
        };
        let mut result =
            self.inner.users.find_recent(&key.owner, owner).await?.ok_or(AuthenticationError::UserNotFound)?;
        result.expires_at = Some(key.expires_at);
        Ok(result)
    }

    async fn by_name(
        &self,
        username: &str,
        create: bool,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let users = &self.inner.users;
        let mut account = users.find_by_username(username).await?;
        if account.is_none() && create {
            match users.by(origin.clone()).create_user(username, None, Extra::new()).await {
                // Somebody else was quicker.
                Ok(_) | Err(UserError::AlreadyExists { .. }) => {}
                Err(UserError::Invalid(_)) => {
                    return Err(AuthenticationError::Malformed { reason: "a name that no user can have" });
                }
                Err(error) => return Err(error.into()),
            }
            account = users.find_by_username(username).await?;
        }
        let mut result = self.result(account, None, AuthMethods::PROVIDER).ok_or(AuthenticationError::UserNotFound)?;
        // It ends with the proxy's word.
        result.is_login = false;
        Ok(result)
    }

    /// Who has proved to be whom. A backend may know a user who is unknown or inactive here: nobody, then.
    async fn by_verdict(&self, verdict: Verdict, methods: AuthMethods) -> Result<Option<AuthResult<U>>, Error> {
        let (id, checked) = match verdict {
            Verdict::Authenticated(id) => (id, None),
            Verdict::AuthenticatedWith { id, credential } => (id, Some(credential)),
            Verdict::Next | Verdict::Refused => return Ok(None),
        };
        Ok(self.result(self.inner.users.find_by_id_text(&id).await?, checked, methods))
    }

    /// An active user, as the store has it now, for whom the application vouches.
    pub(super) async fn by_id(&self, id: &U::PrimaryKey) -> Result<Option<AuthResult<U>>, Error> {
        Ok(self.result(self.inner.users.find_by_id(id).await?, None, AuthMethods::PROVIDER))
    }

    /// Nobody, if there is no such user, or an inactive one, or the password was changed since it was checked.
    pub(super) fn result(
        &self,
        account: Option<Account<U>>,
        checked: Option<CredentialVersion>,
        methods: AuthMethods,
    ) -> Option<AuthResult<U>> {
        self.result_at(account, checked, methods, self.inner.clock.now())
    }

    /// The same for a user who proved it then.
    pub(super) fn result_at(
        &self,
        account: Option<Account<U>>,
        checked: Option<CredentialVersion>,
        methods: AuthMethods,
        at: DateTime<Utc>,
    ) -> Option<AuthResult<U>> {
        let account = account.filter(|account| checked.is_none_or(|checked| checked == account.credential))?;
        let principal = Principal::new(&account, at)?.in_person(methods, self.inner.clock.now());
        Some(AuthResult { is_login: true, methods, ..AuthResult::of(&principal, account.credential) })
    }

    /// What every login leaves behind.
    pub(super) async fn note_login(
        &self,
        result: &AuthResult<U>,
        method: &str,
        audit: &Audit,
    ) -> Result<(), AuthenticationError> {
        let (users, at) = (&self.inner.users, self.inner.clock.now());
        users.store().set_last_login(result.user.primary_key(), at).await?;
        let method = method.to_owned().into();
        audit.record(AuditAction::LoggedIn { method }, Some(result.principal().id())).await;
        Ok(())
    }

    pub(super) fn inner(&self) -> &Inner<U> {
        &self.inner
    }
}

/// Whose devices are known, and since which password: whoever collected a thousand before it was changed has none of them.
fn knowing(user_id: &str, credential: CredentialVersion) -> String {
    format!("{credential}:{user_id}")
}

impl<U: Send + Sync + 'static> AuthResult<U> {
    pub(super) fn of(principal: &Principal, credential: CredentialVersion) -> Self {
        let user = principal.downcast().expect("the principal was made of a U");
        Self {
            user,
            session: None,
            #[cfg(feature = "token-jwt")]
            token: None,
            device: None,
            expires_at: None,
            methods: principal.auth_methods(),
            identity: None,
            credential,
            origin: Origin::unknown(),
            is_login: false,
        }
    }
}

impl<U: UserModel> Clone for AuthenticationService<U> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<U: UserModel> fmt::Debug for AuthenticationService<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticationService").field("backends", &self.inner.backends).finish_non_exhaustive()
    }
}
