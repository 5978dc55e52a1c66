use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use super::{AuthBuilder, AuthenticationService, Error, Settings};
use crate::access::{CurrentUser, Principal};
#[cfg(feature = "__sql")]
use crate::audit::DatabaseAuditSink;
use crate::audit::{Audit, AuditAction};
use crate::clock::Clock;
#[cfg(feature = "__sql")]
use crate::database::Database;
use crate::limits::Limiter;
use crate::mfa::{AuthMethods, MFAAuthentication};
use crate::records::DynRecordStore;
use crate::secret::{MacKey, SecretKey};
use crate::sessions::{
    Carrier, DynSessionBackend, Encoder, Lifetime, Login, Session, SessionKey, SessionLimit, SessionManager,
};
use crate::tokens::ApiKeys;
use crate::users::{Account, CredentialVersion, UserManager, UserModel};

/// The application's authentication: made once at start-up, cloned wherever it is needed.
///
/// `U` is the application's user struct. With feature `web-axum` it makes the layer, the routes and the checks around
/// routers; [`Auth::log_in`] and [`Auth::log_out`] are the same without HTTP.
pub struct Auth<U: UserModel> {
    inner: Arc<Inner<U>>,
}

pub(super) struct Inner<U: UserModel> {
    pub(super) service: AuthenticationService<U>,
    pub(super) sessions: Carrier,
    pub(super) session_limit: Option<SessionLimit>,
    pub(super) lifetime: Lifetime,
    pub(super) session_format: Encoder,
    pub(super) registrations: Limiter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secret: SecretKey,
    /// Ties sessions to the user's credential version.
    pub(super) tie: MacKey,
    pub(super) settings: Settings,
    #[cfg(feature = "__sql")]
    pub(super) database: Option<Database>,
    #[cfg(feature = "web-axum-websocket")]
    pub(super) live: super::live::Live,
}

impl<U: UserModel> Auth<U> {
    /// Sets up the application's authentication.
    pub fn builder() -> AuthBuilder<U> {
        AuthBuilder::new()
    }

    pub(super) fn from_inner(inner: Inner<U>) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The users, their permissions and the groups.
    pub fn users(&self) -> &UserManager<U> {
        &self.inner.service.inner().users
    }

    /// Every way in, without sessions.
    pub fn authentication(&self) -> &AuthenticationService<U> {
        &self.inner.service
    }

    /// What happens is told to it. Tell it of the application's own, too.
    pub fn audit(&self) -> &Audit {
        &self.inner.service.inner().audit
    }

    /// Where sessions are kept; if they travel whole in their cookies, where those are kept that ended before their time.
    pub fn sessions(&self) -> &DynSessionBackend {
        self.inner.sessions.backend()
    }

    /// What [`AuthBuilder::audit_to_database`] keeps, to be read and verified; `None` without it.
    #[cfg(feature = "__sql")]
    pub fn trail(&self) -> Option<&DatabaseAuditSink> {
        self.inner.service.inner().trail.as_ref()
    }

    /// Limits of the application's own, in the store that counts logins ([`AuthBuilder::limits`]).
    pub fn limiter(&self) -> &Limiter {
        &self.inner.registrations
    }

    /// The API keys of all users.
    ///
    /// # Security
    /// A key is made by its owner in person: where a request makes one, refuse a delegated
    /// [`Principal`](Principal::is_delegated), or a key could make others that outlive it.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.inner.service.inner().api_keys
    }

    /// Where tokens, keys and tickets are kept, and what the application keeps so itself.
    pub fn records(&self) -> &DynRecordStore {
        &self.inner.service.inner().records
    }

    /// How they travel.
    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web sets cookies"))]
    pub(crate) fn carrier(&self) -> &Carrier {
        &self.inner.sessions
    }

    /// The sessions of all users, seen from outside a request: for a list of one's devices, and for ending them.
    ///
    /// # Errors
    /// When the session store cannot tell the sessions of a user.
    pub fn session_manager(&self) -> Result<SessionManager, Error> {
        const IN_COOKIES: &str = "sessions that are kept in cookies cannot be told from outside a request";
        if !self.inner.sessions.is_on_server() {
            return Err(Error::Configuration(IN_COOKIES.to_owned()));
        }
        let manager = SessionManager::new(self.sessions().clone())?;
        let manager = manager
            .with_clock(self.inner.clock.clone())
            .with_lifetime(self.inner.lifetime)
            .with_audit(self.audit().clone());
        Ok(manager.with_limit(self.inner.session_limit).with_encoder(self.inner.session_format))
    }

    /// A new session, not stored yet.
    pub fn new_session(&self) -> Session {
        self.session_in(self.inner.sessions.begin())
    }

    fn session_in(&self, backend: DynSessionBackend) -> Session {
        let Inner { clock, lifetime, session_limit, session_format, .. } = &*self.inner;
        let session = Session::within(backend, clock.clone(), *lifetime, *session_limit);
        session.set_encoder(*session_format);
        session
    }

    /// Who has the session of that key, if it is alive and its login still holds. Without a key, a new session.
    ///
    /// A login whose user is gone or inactive, or whose password was changed since, ends the session.
    ///
    /// # Errors
    /// When a store fails: then whether somebody is logged in cannot be told.
    pub async fn resume(&self, key: Option<SessionKey>) -> Result<(Session, Option<Principal>), Error> {
        self.resume_in(self.inner.sessions.begin(), key).await
    }

    /// The same for a session in this backend.
    pub(crate) async fn resume_in(
        &self,
        backend: DynSessionBackend,
        key: Option<SessionKey>,
    ) -> Result<(Session, Option<Principal>), Error> {
        let session = self.session_in(backend);
        let Some(key) = key else { return Ok((session, None)) };
        let now = self.inner.clock.now();
        let record = session.load(key, now).await?;
        let Some(login) = record.as_ref().and_then(|record| record.login.as_ref()) else { return Ok((session, None)) };
        let holds = |account: Account<U>| self.login_holds(login, &account);
        let principal = self.users().find_recent(&login.user_id, holds).await?;
        if principal.is_none() {
            let digest = session.stored_digest().map(|digest| digest.to_string()).unwrap_or_default();
            session.end_unchanged().await?;
            let ended =
                AuditAction::SessionEnded { session: digest.into(), reason: "its login no longer holds".into() };
            self.audit().record(ended, Some(&login.user_id)).await;
        } else {
            session.touch(now).await?;
        }
        Ok((session, principal))
    }

    /// Whoever logged in, if it is this user, active, with the credentials of then.
    pub(super) fn login_holds(&self, login: &Login, account: &Account<U>) -> Option<Principal> {
        let [_, .., methods] = login.tie;
        let version = account.credential.to_be_bytes();
        let parts = [login.user_id.as_bytes(), &version[..], &[methods]];
        let is_tied = self.inner.tie.each(&parts).any(|tag| bool::from(tied(tag, methods).ct_eq(&login.tie)));
        let principal = is_tied.then(|| Principal::new(account, login.at)).flatten()?;
        Some(principal.in_person(AuthMethods::from_bits(methods), self.inner.clock.now()))
    }

    /// A user outside a request, with what the user holds now: for jobs. `None` when unknown or inactive.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn current_user(&self, id: &U::PrimaryKey) -> Result<Option<CurrentUser<U>>, Error> {
        let account = self.users().find_by_id(id).await?;
        let now = self.inner.clock.now();
        Ok(account.and_then(|account| Principal::new(&account, now)).and_then(|principal| principal.downcast()))
    }

    /// Brings the database up to date: tables, declared permissions, declared groups. Safe to run at every start, by
    /// several servers at once. It deletes nothing, and never grants again what was taken away by hand.
    ///
    /// Without a database it does nothing.
    ///
    /// # Errors
    /// When the database fails.
    #[cfg(feature = "__sql")]
    pub async fn migrate(&self) -> Result<(), Error> {
        if let Some(database) = &self.inner.database {
            for change in super::migrate::<U>(database).await?.changes {
                tracing::info!(change, "migrated");
            }
        }
        Ok(())
    }

    /// What ties a session to the user's credential version, and says by which ways the user proved who they are.
    pub(super) fn tie(&self, user_id: &str, credential: CredentialVersion, methods: AuthMethods) -> [u8; 32] {
        let methods = methods.bits();
        tied(self.inner.tie.sign(&[user_id.as_bytes(), &credential.to_be_bytes(), &[methods]]), methods)
    }

    /// The users' second factors.
    pub fn mfa(&self) -> &MFAAuthentication {
        &self.inner.service.inner().mfa
    }

    pub(super) fn inner(&self) -> &Inner<U> {
        &self.inner
    }

    /// The logins on which something open depends.
    #[cfg(feature = "web-axum-websocket")]
    pub(crate) fn live(&self) -> &super::live::Live {
        &self.inner.live
    }

    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web reads them"))]
    pub(crate) fn settings(&self) -> (&Settings, &SecretKey) {
        (&self.inner.settings, &self.inner.secret)
    }
}

/// The tag, with the methods in the place of its last byte.
fn tied(mut tag: [u8; 32], methods: u8) -> [u8; 32] {
    tag[31] = methods;
    tag
}

impl<U: UserModel> Clone for Auth<U> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<U: UserModel> fmt::Debug for Auth<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Auth");
        shown.field("sessions", &self.inner.sessions).field("http_sessions", &self.inner.settings.http_sessions);
        shown.finish_non_exhaustive()
    }
}
