use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::auth::Inner;
use super::config::{AuthConfig, LoginSettings, TokenConfig};
use super::stores;
#[cfg(feature = "token-jwt")]
use super::tokens;
use super::{
    Auth, AuthBackendEntry, AuthenticationService, Error, Settings, UserStoreBackend, backends, identities, service,
};
use crate::access::GuardEntry;
#[cfg(feature = "__sql")]
use crate::audit::DatabaseAuditSink;
use crate::audit::{Audit, AuditSink};
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "__sql")]
use crate::database::Database;
use crate::limits::{KnownDevices, LimitStore, Limiter, LoginLimiter};
use crate::passwords::{PasswordHasherEntry, PasswordHashers, Passwords};
use crate::permissions::{GroupEntry, PermissionEntry};
use crate::records::DynRecordStore;
use crate::registry::{self, Context, DuplicateEntry, Url};
use crate::secret::SecretString;
use crate::sessions::{
    Carrier, DynSessionBackend, Encoder, HttpSessionConfig, SessionBackend, SessionBackendEntry, SessionFormat,
    SessionLimit,
};
use crate::tokens::ApiKeys;
#[cfg(feature = "token-jwt")]
use crate::tokens::JwtAuth;
use crate::users::{CachedUserStore, InMemoryUserStore, UserManager, UserModel, UserStore};

/// Sets up an [`Auth`]; made by `Auth::builder()`.
///
/// Without a database, users and sessions are kept in memory. Every setting has a safe default.
///
/// Where it is set, a setting of a file or of the environment comes before what the program says, so that whoever runs it can
/// choose; see [`config`](super::config), which lists them, and [`AuthBuilder::config`].
#[must_use]
pub struct AuthBuilder<U: UserModel> {
    pub(super) database: Option<Url>,
    pub(super) users: Option<Arc<dyn UserStore<U>>>,
    pub(super) sessions: Sessions,
    pub(super) limits: Option<Url>,
    pub(super) records: Option<Url>,
    pub(super) record_store: Option<DynRecordStore>,
    pub(super) limit_store: Option<Arc<dyn LimitStore>>,
    pub(super) api_key_prefix: Option<String>,
    #[cfg(feature = "token-jwt")]
    pub(super) jwt: Option<JwtAuth>,
    pub(super) secret: Option<SecretString>,
    pub(super) secret_fallbacks: Vec<SecretString>,
    pub(super) backends: Vec<String>,
    pub(super) passwords: Option<Passwords>,
    pub(super) limiter: Option<LoginLimiter>,
    pub(super) login: LoginSettings,
    pub(super) audit: Audit,
    #[cfg(feature = "__sql")]
    pub(super) audit_to_database: bool,
    pub(super) user_cache: Option<Duration>,
    pub(super) session_limit: Option<SessionLimit>,
    pub(super) session_format: Encoder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) config: Option<AuthConfig>,
    pub(super) mfa_issuer: Option<String>,
    #[cfg(feature = "oauth2-provider")]
    pub(super) oauth2: super::oauth2::OAuth2Settings,
    pub(super) sign_up: identities::SignUpPolicy,
    pub(super) messages: super::messages::Messages,
    #[cfg(feature = "web-axum-websocket")]
    pub(super) live: super::live::LiveSettings,
}

pub(super) enum Sessions {
    /// In the database, if there is one, else in memory.
    Default,
    At(Url),
    Given(DynSessionBackend),
}

impl<U: UserModel> AuthBuilder<U> {
    pub(super) fn new() -> Self {
        Self {
            database: None,
            users: None,
            sessions: Sessions::Default,
            limits: None,
            records: None,
            record_store: None,
            limit_store: None,
            api_key_prefix: None,
            #[cfg(feature = "token-jwt")]
            jwt: None,
            secret: None,
            secret_fallbacks: Vec::new(),
            backends: vec![UserStoreBackend::<U>::NAME.to_owned()],
            passwords: None,
            limiter: None,
            login: LoginSettings::default(),
            audit: Audit::new(),
            #[cfg(feature = "__sql")]
            audit_to_database: false,
            user_cache: None,
            session_limit: None,
            session_format: Encoder::default(),
            clock: Arc::new(SystemClock),
            settings: Settings::default(),
            config: None,
            mfa_issuer: None,
            #[cfg(feature = "oauth2-provider")]
            oauth2: super::oauth2::OAuth2Settings::default(),
            sign_up: Arc::new(identities::SignUp::by_default::<U>),
            messages: super::messages::Messages::default(),
            #[cfg(feature = "web-axum-websocket")]
            live: super::live::LiveSettings::default(),
        }
    }

    /// Keeps users, groups, permissions and sessions in the database at this address: `sqlite:blog.db?mode=rwc`,
    /// `postgres://user:password@host/name`, `mysql://user:password@host/name`. Each needs its `database-…` feature.
    pub fn database(self, url: &str) -> Self {
        Self { database: Some(Url::new(url)), ..self }
    }

    /// Keeps users in a store of your own.
    pub fn users(self, store: impl UserStore<U>) -> Self {
        Self { users: Some(Arc::new(store)), ..self }
    }

    /// Keeps the users of requests in this process for that long, a minute at the most, instead of reading them with every
    /// request. What another server takes from a user counts here that much later; see [`CachedUserStore`].
    pub fn user_cache(self, bound: Duration) -> Self {
        Self { user_cache: Some(bound), ..self }
    }

    /// Keeps sessions where this address says: `memory:`, `database:` (the application's own), `cookie:` (each whole in its
    /// cookie), or any scheme that a `#[session_backend]` registered.
    pub fn sessions(self, url: &str) -> Self {
        Self { sessions: Sessions::At(Url::new(url)), ..self }
    }

    /// Keeps sessions in this backend. Then `AUTH_SESSIONS` must not be set: it could not mean what stands around it.
    pub fn session_backend(self, backend: impl SessionBackend) -> Self {
        Self { sessions: Sessions::Given(Arc::new(backend)), ..self }
    }

    /// The session's cookie, and how long sessions live: an hour without use and a day in all, if nothing is said.
    pub fn http_sessions(mut self, config: HttpSessionConfig) -> Self {
        self.settings.http_sessions = config;
        self
    }

    /// The format that sessions' data are written in: `Json`, if nothing is said. What another format wrote is still
    /// read, if its feature is on.
    pub fn session_format(self, format: impl SessionFormat) -> Self {
        Self { session_format: Encoder::of(format), ..self }
    }

    /// How many sessions a user may be logged in to at once; as many as one likes, if nothing is said. However many logins
    /// meet, on however many servers, the limit holds.
    ///
    /// ```
    /// # async fn example() -> Result<(), auth::Error> {
    /// use auth::prelude::*;
    /// use auth::sessions::SessionLimit;
    /// # use auth::users::DefaultUser;
    ///
    /// let auth = Auth::<DefaultUser>::builder().max_sessions_per_user(SessionLimit::end_oldest(5)).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_sessions_per_user(self, limit: SessionLimit) -> Self {
        Self { session_limit: Some(limit), ..self }
    }

    /// The application's secret: at least 32 random bytes, the same on all servers. Without one, an application on an
    /// SQLite file makes one in a private file beside it, and any other with a database does not start.
    pub fn secret(self, secret: &str) -> Self {
        Self { secret: Some(secret.into()), ..self }
    }

    /// An older secret, which still verifies what it signed.
    pub fn secret_fallback(mut self, secret: &str) -> Self {
        self.secret_fallbacks.push(secret.into());
        self
    }

    /// The auth backends to ask, in this order: names that `#[auth_backend]` registered, and `users` for the user store.
    pub fn auth_backends<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { backends: names.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// How passwords are hashed, and which are too weak.
    pub fn passwords(self, passwords: Passwords) -> Self {
        Self { passwords: Some(passwords), ..self }
    }

    /// Signs access tokens with the keys, and for the issuer and audience, of this one; without, with HS256 and keys made of the
    /// application's secrets. Type and lifetime are those of access tokens in any case.
    #[cfg(feature = "token-jwt")]
    pub fn jwt(self, jwt: JwtAuth) -> Self {
        Self { jwt: Some(jwt), ..self }
    }

    /// What API keys begin with, so that people and secret scanners know whose they are: `auth`, if nothing is said.
    pub fn api_key_prefix(self, prefix: &str) -> Self {
        Self { api_key_prefix: Some(prefix.to_owned()), ..self }
    }

    /// The limits on logins, with a store of their own.
    pub fn login_limiter(self, limiter: LoginLimiter) -> Self {
        Self { limiter: Some(limiter), ..self }
    }

    /// Also tells this sink of every login, failure, logout and change of rights. `tracing` is told in any case.
    pub fn audit_sink(mut self, sink: impl AuditSink) -> Self {
        self.audit = self.audit.with_sink(sink);
        self
    }

    /// Also keeps the trail in the application's database, each entry chained to the one before, so that
    /// [`Auth::trail`] can be read and verified.
    #[cfg(feature = "__sql")]
    pub fn audit_to_database(self) -> Self {
        Self { audit_to_database: true, ..self }
    }

    /// Goes by this clock.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// An origin of this site, as browsers write it: `https://example.com`. When one is given, unsafe requests are
    /// accepted from pages of these origins only; otherwise from the host that the request was sent to.
    ///
    /// The first one is also where other providers send people back to, what passkeys are bound to (its host; only https, and
    /// `http://localhost`), and who issues tokens, unless [`OAuth2Config`](crate::oauth2) says it.
    pub fn origin(mut self, origin: &str) -> Self {
        self.settings.trusted_origins.push(origin.to_owned());
        self
    }

    /// Proxies in front of this server, by their addresses. For a request that comes from one of them, the last address
    /// in `X-Forwarded-For` that is no such proxy counts as the source; otherwise the connecting peer does.
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpAddr>) -> Self {
        self.settings.trusted_proxies.extend(proxies);
        self
    }

    /// Where people log in, if the routes are mounted elsewhere than at the root: `/login`, if nothing is said.
    pub fn login_url(mut self, path: &str) -> Self {
        path.clone_into(&mut self.settings.login_url);
        self
    }

    /// Where people go after logging in or out: `/`, if nothing is said.
    pub fn home_url(mut self, path: &str) -> Self {
        path.clone_into(&mut self.settings.home_url);
        self
    }

    /// How long tokens live, whose they are and whom they are for.
    pub fn tokens(mut self, tokens: TokenConfig) -> Self {
        self.settings.tokens = tokens;
        self
    }

    /// The settings from outside: [`AuthConfig::load`], if nothing is said. They come before what the program says, wherever
    /// this stands among the calls.
    ///
    /// ```
    /// # async fn example() -> Result<(), auth::Error> {
    /// use auth::accounts::config::AuthConfig;
    /// use auth::prelude::*;
    /// # use auth::users::DefaultUser;
    ///
    /// // No variable of the environment counts.
    /// let auth = Auth::<DefaultUser>::builder().config(AuthConfig::new()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn config(self, config: AuthConfig) -> Self {
        Self { config: Some(config), ..self }
    }

    /// Checks the settings and the registries, and opens the database.
    ///
    /// # Errors
    /// [`Error`] when two things are declared under one name, settings are wrong or missing ([`Error::Settings`], with all of
    /// them), or a store cannot be opened.
    pub async fn build(mut self) -> Result<Auth<U>, Error> {
        check_registries()?;
        self.configure()?;
        // A server's secret is missed before it is called; a file's secret is made when the file is there.
        let early =
            if self.database.as_ref().is_some_and(super::secret::is_server) { Some(self.secret_key()?) } else { None };
        #[cfg(feature = "__sql")]
        let database = match &self.database {
            Some(url) => Some(Database::connect(url).await?),
            None => None,
        };
        let secret = early.map_or_else(|| self.secret_key(), Ok)?;
        let context = Context::new(self.clock.clone(), secret.clone());
        #[cfg(feature = "__sql")]
        let context = Context { database, ..context };
        let audit = self.audit.clone().with_clock(self.clock.clone());
        #[cfg(feature = "__sql")]
        let (audit, trail) = self.with_trail(audit, &context)?;
        #[cfg(feature = "web-axum-websocket")]
        let (endings, audit) = self.live.endings(audit)?;
        let users = self.user_store(&context);
        #[cfg(feature = "web-axum-websocket")]
        let users = super::live::announcing_users(users, &endings);
        let (users, audit) = self.user_manager(users, audit, &context);
        // Makes the decoy that unknown users are checked against, so that the first of them costs no more than the next.
        let _wrong = users.passwords().verify_nobody(&SecretString::default()).await?;
        let default_place = Url::new(if self.database.is_some() { "database:" } else { "memory:" });
        let records = stores::records(self.record_store, self.records.as_ref(), &default_place, &context).await?;
        let sessions = match self.sessions {
            Sessions::Given(backend) => Carrier::Key(backend),
            Sessions::At(url) => Carrier::connect(&url, &context).await?,
            Sessions::Default => Carrier::connect(&default_place, &context).await?,
        };
        let sessions = sessions.with_name(&self.settings.http_sessions.name);
        #[cfg(feature = "web-axum-websocket")]
        let sessions = super::live::announcing_sessions(sessions, &self.live, &endings)?;
        let can_limit = sessions.is_on_server() && sessions.backend().user_sessions().is_some();
        if self.session_limit.is_some() && !can_limit {
            return Err(Error::Configuration(NO_LIMIT.to_owned()));
        }
        let backends = backends::named(self.backends, &users, &context)?;
        let limits = stores::limits(self.limit_store, self.limits.as_ref(), &context).await?;
        let limiter = Limiter::new(limits, self.clock.clone());
        let mut api_keys = ApiKeys::new(records.clone()).with_clock(self.clock.clone()).with_audit(audit.clone());
        if let Some(prefix) = &self.api_key_prefix {
            api_keys = api_keys.with_prefix(prefix)?;
        }
        let login = match self.limiter {
            Some(given) => given,
            None => self.login.limiter(limiter.clone())?,
        };
        let mfa = super::factors::mfa(self.mfa_issuer.as_deref(), &self.settings, &records, &context);
        #[cfg(feature = "mfa-codes")]
        let mfa = self.messages.send_codes(mfa, &limiter)?;
        #[cfg(feature = "token-jwt")]
        let tokens = {
            let (settings, given) = (&self.settings.tokens, self.jwt);
            tokens::service(&users, given, settings, &records, &context)?.with_audit(audit.clone())
        };
        #[cfg(feature = "oauth2-provider")]
        let oauth2 = self.oauth2.provider(&self.settings, &users, &records, &limiter, &audit, &context)?;
        let service = AuthenticationService::new(service::Inner {
            #[cfg(feature = "token-jwt")]
            tokens,
            #[cfg(feature = "oauth2-provider")]
            oauth2,
            users,
            backends,
            providers: identities::registered(&context)?,
            identities: identities::IdentityStore::over(records.clone()),
            sign_up: self.sign_up,
            limiter: login,
            mfa,
            limiter_of_factors: limiter.clone(),
            api_keys,
            records,
            devices: KnownDevices::new(&secret, self.clock.clone()),
            audit,
            #[cfg(feature = "__sql")]
            trail,
            clock: self.clock.clone(),
        });
        Ok(Auth::from_inner(Inner {
            service,
            sessions,
            session_limit: self.session_limit,
            session_format: self.session_format,
            lifetime: self.settings.http_sessions.lifetime,
            registrations: limiter,
            clock: self.clock,
            tie: secret.derive("auth: session tie"),
            secret,
            settings: self.settings,
            #[cfg(feature = "web-axum-websocket")]
            live: super::live::Live::new(endings, self.live.interval),
            #[cfg(feature = "__sql")]
            database: context.database,
        }))
    }

    /// Also told to the database, if the application wants that.
    #[cfg(feature = "__sql")]
    fn with_trail(&self, audit: Audit, context: &Context) -> Result<(Audit, Option<DatabaseAuditSink>), Error> {
        match (&context.database, self.audit_to_database) {
            (_, false) => Ok((audit, None)),
            (Some(database), true) => {
                let trail = DatabaseAuditSink::new(database.clone(), &context.secret);
                Ok((audit.with_sink(trail.clone()), Some(trail)))
            }
            (None, true) => {
                let text = "the trail is to be kept in the application's database, and it has none";
                Err(Error::Configuration(text.to_owned()))
            }
        }
    }

    fn user_store(&self, context: &Context) -> Arc<dyn UserStore<U>> {
        let mut store = self.users.clone().unwrap_or_else(|| Self::default_store(context));
        if let Some(bound) = self.user_cache {
            store = Arc::new(CachedUserStore::new(store).with_bound(bound).with_clock(context.clock.clone()));
        }
        store
    }

    /// The users, and what their changes are told to.
    fn user_manager(&self, store: Arc<dyn UserStore<U>>, audit: Audit, context: &Context) -> (UserManager<U>, Audit) {
        let passwords =
            self.passwords.clone().unwrap_or_else(|| Passwords::new(PasswordHashers::new(U::Hasher::default())));
        let users = UserManager::over(store).with_passwords(passwords).with_clock(context.clock.clone());
        let audit = self.with_notices(audit, &users);
        (users.with_audit(audit.clone()), audit)
    }

    #[cfg(feature = "__sql")]
    fn default_store(context: &Context) -> Arc<dyn UserStore<U>> {
        match &context.database {
            Some(database) => Arc::new(crate::users::DatabaseUserStore::new(database.clone())),
            None => Arc::new(InMemoryUserStore::new()),
        }
    }

    #[cfg(not(feature = "__sql"))]
    fn default_store(_: &Context) -> Arc<dyn UserStore<U>> {
        Arc::new(InMemoryUserStore::new())
    }
}

/// What a limit on sessions needs.
const NO_LIMIT: &str = "a limit on a user's sessions needs a session store that can tell them: sessions in cookies cannot; \
                        around another store put `ListedSessionBackend`";

fn check_registries() -> Result<(), DuplicateEntry> {
    registry::check::<PermissionEntry>()?;
    registry::check::<GroupEntry>()?;
    registry::check::<GuardEntry>()?;
    registry::check::<PasswordHasherEntry>()?;
    registry::check::<SessionBackendEntry>()?;
    registry::check::<identities::AuthProviderEntry>()?;
    registry::check::<AuthBackendEntry>()
}

impl<U: UserModel> fmt::Debug for AuthBuilder<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AuthBuilder");
        shown.field("database", &self.database).field("http_sessions", &self.settings.http_sessions);
        shown.finish_non_exhaustive()
    }
}
