use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{
    Device, DynSessionBackend, Encoder, Lifetime, Login, Session, SessionDigest, SessionError, SessionFormat,
    SessionKey, SessionLimit, UserSession, UserSessions, backend, user_sessions,
};
use crate::audit::{Audit, AuditAction, Origin};
use crate::clock::{Clock, SystemClock};

/// The sessions of all users, seen from outside a request: for a list of one's devices, for programs that hold a session
/// key without a cookie, and for ending sessions.
///
/// `Auth::session_manager` makes one with the application's clock and lifetimes.
///
/// ```
/// # async fn example() -> Result<(), auth::sessions::SessionError> {
/// use std::sync::Arc;
///
/// use auth::sessions::{Device, InMemorySessionBackend, Login, SessionManager, SessionType};
///
/// let manager = SessionManager::new(Arc::new(InMemorySessionBackend::new()))?;
/// # let login = Login::new("7", [0; 32], chrono::Utc::now());
/// let device = Device::new(SessionType::Mobile).with_ip([203, 0, 113, 7].into()).with_user_agent("Blog/1.2");
/// let session = manager.create(login, device).await?;
///
/// let key = session.key().expect("a stored session has a key");
/// assert_eq!(manager.list("7").await?.len(), 1);
/// manager.destroy_others("7", &key).await?;
/// assert!(manager.destroy(&key).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionManager {
    backend: DynSessionBackend,
    clock: Arc<dyn Clock>,
    lifetime: Lifetime,
    limit: Option<SessionLimit>,
    encoder: Encoder,
    audit: Audit,
}

impl SessionManager {
    /// Manages the sessions in this store.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when the store cannot tell the sessions of a user.
    pub fn new(backend: DynSessionBackend) -> Result<Self, SessionError> {
        let (clock, lifetime) = (Arc::new(SystemClock), Lifetime::default());
        let manager = Self { backend, clock, lifetime, limit: None, encoder: Encoder::default(), audit: Audit::new() };
        manager.users()?;
        Ok(manager)
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same with sessions that live that long: both limits, the idle and the absolute one.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Lifetime) -> Self {
        Self { lifetime, ..self }
    }

    /// The same with this many sessions for each user at the most. It counts for those that this manager begins;
    /// `Auth::builder().max_sessions_per_user(…)` sets it for every login.
    #[must_use]
    pub fn with_limit(self, limit: impl Into<Option<SessionLimit>>) -> Self {
        Self { limit: limit.into(), ..self }
    }

    /// The same with sessions written in this format; in [`Json`](super::Json), if nothing is said. All formats are read.
    #[must_use]
    pub fn with_format(self, format: impl SessionFormat) -> Self {
        self.with_encoder(Encoder::of(format))
    }

    /// The same, telling this of sessions that begin and end here; `tracing` alone, if nothing is said.
    #[must_use]
    pub fn with_audit(self, audit: Audit) -> Self {
        Self { audit, ..self }
    }

    /// The same sessions, for what this user, or administrator, does from there.
    #[must_use]
    pub fn by(&self, origin: Origin) -> Self {
        Self { audit: self.audit.from(origin), ..self.clone() }
    }

    pub(crate) fn with_encoder(self, encoder: Encoder) -> Self {
        Self { encoder, ..self }
    }

    /// Begins a session for a user who has proved who they are, and stores it.
    ///
    /// # Errors
    /// [`SessionError::LimitReached`] when the user has as many sessions as there may be, [`SessionError::Store`].
    pub async fn create(&self, login: Login, device: Device) -> Result<Session, SessionError> {
        let session = Session::within(self.backend.clone(), self.clock.clone(), self.lifetime, self.limit);
        session.set_encoder(self.encoder);
        session.set_device(device);
        let user = login.user_id.clone();
        session.start(login).await?;
        let id = session.key().map_or_else(String::new, |key| key.digest().to_string());
        self.audit.record(AuditAction::SessionStarted { session: id.into() }, Some(&user)).await;
        Ok(session)
    }

    /// The live session of that key. It takes as long however many there are.
    ///
    /// # Security
    /// Whether its login still holds (the user exists, is active, has the same password) is not asked here;
    /// `Auth::resume` does.
    ///
    /// # Errors
    /// [`SessionError::Store`]
    pub async fn find(&self, key: &SessionKey) -> Result<Option<UserSession>, SessionError> {
        let found = backend::find(&self.backend, key, self.clock.now()).await?;
        Ok(found.map(|record| UserSession::new(key.digest(), record)))
    }

    /// Notes that a session was used, so that its idle time begins anew; the absolute limit stays. Says whether there was
    /// a live one. Like [`Lifetime::new`] says, use is written when enough time has gone by since it was last written.
    ///
    /// # Errors
    /// [`SessionError::Store`]
    pub async fn touch(&self, key: &SessionKey) -> Result<bool, SessionError> {
        let Some(UserSession { id, record }) = self.find(key).await? else { return Ok(false) };
        let now = self.clock.now();
        if !self.lifetime.is_touch_due(&record, now) {
            return Ok(true);
        }
        let (seen_at, expires_at) = self.lifetime.use_at(&record, now);
        self.backend.touch(&id, seen_at, expires_at).await
    }

    /// Ends a session at once. Says whether there was one.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then it may still be alive, and the caller must say so.
    pub async fn destroy(&self, key: &SessionKey) -> Result<bool, SessionError> {
        match self.find(key).await? {
            Some(session) => {
                let ended = self.backend.delete(&session.id).await?;
                let user = session.record.user_id();
                self.ended(ended.into(), user, session.id.to_string(), "ended by its key").await;
                Ok(ended)
            }
            None => Ok(false),
        }
    }

    /// A user's live sessions, the one that began last first: "your devices".
    ///
    /// # Errors
    /// [`SessionError::Store`]
    pub async fn list(&self, user_id: &str) -> Result<Vec<UserSession>, SessionError> {
        let mut sessions = self.users()?.sessions_of(user_id).await?;
        let now = self.clock.now();
        sessions.retain(|session| session.record.is_alive(now));
        Ok(sessions)
    }

    /// Ends the session under this digest, if it is this user's; the digest may come from outside. Says whether there was
    /// one.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then it may still be alive, and the caller must say so.
    pub async fn destroy_of(&self, user_id: &str, id: &SessionDigest) -> Result<bool, SessionError> {
        let ended = self.users()?.delete_of(user_id, id).await?;
        self.ended(ended.into(), Some(user_id), id.to_string(), "chosen out of the user's sessions").await;
        Ok(ended)
    }

    /// Ends all of a user's sessions but the one of that key. Says how many.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then some may still be alive, and the caller must say so.
    pub async fn destroy_others(&self, user_id: &str, key: &SessionKey) -> Result<u64, SessionError> {
        let ended = self.users()?.delete_all_of(user_id, Some(&key.digest())).await?;
        self.ended(ended, Some(user_id), "others", "all but one ended").await;
        Ok(ended)
    }

    /// Ends all of a user's sessions. Says how many.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then some may still be alive, and the caller must say so.
    pub async fn destroy_all(&self, user_id: &str) -> Result<u64, SessionError> {
        let ended = self.users()?.delete_all_of(user_id, None).await?;
        self.ended(ended, Some(user_id), "all", "all ended").await;
        Ok(ended)
    }

    async fn ended(&self, count: u64, user: Option<&str>, session: impl Into<Cow<'static, str>>, reason: &'static str) {
        if count > 0 {
            self.audit.record(AuditAction::SessionEnded { session: session.into(), reason: reason.into() }, user).await;
        }
    }

    fn users(&self) -> Result<&dyn UserSessions, SessionError> {
        user_sessions::of(&self.backend)
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager").field("backend", &self.backend).finish_non_exhaustive()
    }
}
