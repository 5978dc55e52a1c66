use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::authentication::{Backends, SessionAuthentication};
use super::cookie::Cookies;
use super::csrf::CsrfTokens;
use super::layer::AuthService;
use super::request::{UserApp, WebApp};
use crate::BoxFuture;
use crate::access::Principal;
use crate::accounts::{Error, is_origin};
use crate::clock::{Clock, SystemClock};
use crate::secret::SecretKey;
#[cfg(feature = "session-cookie")]
use crate::sessions::CookieSessionBackend;
use crate::sessions::{Carrier, DynSessionBackend, HttpSessionConfig, Session, SessionBackend, SessionKey};

/// Sessions for an application without users: what `auth.layer()` does for them, over any backend.
///
/// A handler takes its [`Session`] as an argument. It is looked up when it is asked for and written when it was changed,
/// unless the answer is a 5xx; a visitor for whom nothing is kept gets no cookie, and one whose session was emptied loses
/// it. Unsafe requests of other sites' pages are refused where a session is asked for. An application with users puts
/// `auth.layer()` in its place.
///
/// # Security
/// Whether a login that stands in a session still holds is not asked here; `auth.layer()` does.
///
/// ```
/// # #[cfg(feature = "web-axum")]
/// # fn example() -> Result<(), auth::Error> {
/// use auth::sessions::{HttpSessionConfig, InMemorySessionBackend, Session};
/// use auth::web::SessionMiddleware;
/// use axum::{Router, routing::post};
///
/// async fn add(session: Session) {
///     let count: u32 = session.get("count").ok().flatten().unwrap_or_default();
///     session.set("count", count + 1).expect("a number is JSON");
/// }
///
/// let sessions = SessionMiddleware::new(InMemorySessionBackend::new(), HttpSessionConfig::new())?;
/// let app: Router = Router::new().route("/add", post(add)).layer(sessions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionMiddleware {
    app: Arc<SessionsAlone>,
}

#[derive(Clone)]
struct SessionsAlone {
    carrier: Carrier,
    config: HttpSessionConfig,
    clock: Arc<dyn Clock>,
    cookies: Cookies,
    csrf: CsrfTokens,
    origins: Vec<String>,
}

impl SessionMiddleware {
    /// Serves the sessions of this backend.
    ///
    /// # Errors
    /// [`Error::Session`] when the configuration cannot work.
    pub fn new(backend: impl SessionBackend, config: HttpSessionConfig) -> Result<Self, Error> {
        Self::carried(Carrier::Key(Arc::new(backend)), config)
    }

    /// Serves sessions that travel whole in their cookies.
    ///
    /// # Errors
    /// As [`SessionMiddleware::new`].
    #[cfg(feature = "session-cookie")]
    pub fn in_cookies(sessions: CookieSessionBackend, config: HttpSessionConfig) -> Result<Self, Error> {
        Self::carried(Carrier::Whole(sessions), config)
    }

    fn carried(carrier: Carrier, config: HttpSessionConfig) -> Result<Self, Error> {
        config.check()?;
        let carrier = carrier.with_name(&config.name);
        let cookies = Cookies::new(config.clone(), &[]);
        let csrf = CsrfTokens::new(SecretKey::random().derive(PURPOSE));
        let (clock, origins) = (Arc::new(SystemClock), Vec::new());
        Ok(Self { app: Arc::new(SessionsAlone { carrier, config, clock, cookies, csrf, origins }) })
    }

    /// Signs cross-site tokens by this secret, the same on all servers. Without one they are good on this server only, and
    /// until it is started again.
    #[must_use]
    pub fn with_secret(self, secret: &SecretKey) -> Self {
        self.with(|app| app.csrf = CsrfTokens::new(secret.derive(PURPOSE)))
    }

    /// An origin of this site, as browsers write it: `https://example.com`. When one is given, unsafe requests are accepted
    /// from pages of these origins only; otherwise from the host that the request was sent to.
    ///
    /// # Errors
    /// [`Error::Configuration`] when that is no origin.
    pub fn with_origin(self, origin: &str) -> Result<Self, Error> {
        if !is_origin(origin) {
            return Err(Error::Configuration(format!(
                "`{origin}` is not an origin: write it as \"https://example.com\""
            )));
        }
        Ok(self.with(|app| {
            app.origins.push(origin.to_owned());
            app.cookies = Cookies::new(app.config.clone(), &app.origins);
        }))
    }

    /// Goes by this clock: the one that the backend goes by.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.with(|app| app.clock = Arc::new(clock))
    }

    fn with(self, change: impl FnOnce(&mut SessionsAlone)) -> Self {
        let mut app = Arc::unwrap_or_clone(self.app);
        change(&mut app);
        Self { app: Arc::new(app) }
    }
}

const PURPOSE: &str = "auth: csrf";

impl<S> Layer<S> for SessionMiddleware {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, self.app.clone(), Backends::new(SessionAuthentication), |_| None)
    }
}

impl WebApp for SessionsAlone {
    fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    fn resume(
        &self,
        backend: DynSessionBackend,
        key: Option<SessionKey>,
    ) -> BoxFuture<'_, Result<(Session, Option<Principal>), Error>> {
        Box::pin(async move {
            let session = Session::with(backend, self.clock.clone(), self.config.lifetime);
            if let Some(key) = key {
                let now = self.clock.now();
                session.load(key, now).await?;
                session.touch(now).await?;
            }
            Ok((session, None))
        })
    }

    fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    fn csrf(&self) -> &CsrfTokens {
        &self.csrf
    }

    fn trusted_origins(&self) -> &[String] {
        &self.origins
    }

    fn users(&self) -> Option<&dyn UserApp> {
        None
    }
}

impl fmt::Debug for SessionMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.app, f)
    }
}

impl fmt::Debug for SessionsAlone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SessionMiddleware");
        shown.field("carrier", &self.carrier).field("config", &self.config).finish_non_exhaustive()
    }
}
