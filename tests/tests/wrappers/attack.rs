//! Findings of an attacker: every test here fails and should not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::BoxFuture;
use auth::cache::InMemoryCache;
use auth::clock::Clock as _;
use auth::secret::SecretKey;
use auth::sessions::{
    CookieSessionBackend, HttpSessionConfig, Identity, InMemorySessionBackend, LayeredSessionBackend,
    ListedSessionBackend, Login, SaveIf, Saved, Session, SessionBackend, SessionDigest, SessionError, SessionKey,
    SessionLimit, SessionRecord, TenantSessionBackend, TenantSessionOperations as _, UserSessions as _,
};
use auth::testing::ManualClock;
use auth::web::SessionMiddleware;
use auth::web::axum::{CsrfForm, CsrfToken};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use tower::ServiceExt as _;

use crate::{add, id, memory, record};

/// A session that logs in keeps its selector and gets new limits; the tenant's list keeps the old ones, and forgets it.
#[tokio::test]
async fn tenant_sessions_that_logged_in_escape_the_list() {
    let (store, clock) = memory();
    let acme =
        TenantSessionBackend::new(store, "acme").with_clock(Arc::new(clock.clone())).with_limit(1);
    let id = add(&acme, &clock, b"\x01{}").await;
    for _ in 0..24 {
        clock.advance(TimeDelta::minutes(57));
        let now = clock.now();
        assert!(acme.touch(&id, now, now + TimeDelta::hours(1)).await.unwrap());
    }
    // 22:48 after it began somebody logs in to it, as `Session::start` writes it.
    let mut login = (*record(&clock, 2, b"\x01{}")).clone();
    login.login = Some(Login::new("7", [0; 32], clock.now()));
    assert_eq!(acme.save(&id, Arc::new(login), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    for _ in 0..2 {
        clock.advance(TimeDelta::minutes(57));
        let now = clock.now();
        assert!(acme.touch(&id, now, now + TimeDelta::hours(1)).await.unwrap());
    }
    assert!(acme.exists(&id).await.unwrap());
    let count = acme.count_sessions().await.unwrap();
    let over = acme.save(&crate::id(), record(&clock, 1, b"\x01{}"), SaveIf::Absent).await;
    acme.delete_all_sessions().await.unwrap();
    let alive = acme.exists(&id).await.unwrap();
    assert_eq!((count, over.is_err(), alive), (1, true, false), "(listed, limit held, ended)");
}

/// Two tenants (or programs) behind layers with one cache: the copy's key knows neither.
#[tokio::test]
async fn a_shared_cache_mixes_tenants() {
    let (store, clock) = memory();
    let (store, cache) = (Arc::new(store), Arc::new(InMemoryCache::with_clock(Arc::new(clock.clone()))));
    let tenant = |name: &str| {
        let tenant = TenantSessionBackend::new(store.clone(), name).with_clock(Arc::new(clock.clone()));
        LayeredSessionBackend::new(tenant).with_cache(cache.clone()).with_clock(Arc::new(clock.clone()))
    };
    let (mine, theirs) = (tenant("mine"), tenant("theirs"));
    let (key, now) = (SessionKey::generate(), clock.now());
    let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(24));
    (record.verifier, record.login) = (key.verifier(), Some(Login::new("1", [0; 32], now)));
    assert_eq!(mine.save(&key.digest(), Arc::new(record), SaveIf::Absent).await.unwrap(), Saved::Done);
    // The process that asks is another one, or the near copy is too old.
    tenant("mine").load(&key.digest()).await.unwrap().unwrap();
    let session = theirs.load(&key.digest()).await.unwrap();
    assert_eq!(session, None, "a session of one tenant is served to another");
}

/// A store without lists of its own, one of whose answers can fail.
#[derive(Debug)]
struct Fails {
    inner: InMemorySessionBackend,
    /// Saves of records that expire at once, as the end of a session is written.
    ends_fail: AtomicBool,
}

impl SessionBackend for Fails {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        self.inner.load(id)
    }
    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        if record.expires_at == record.created_at && self.ends_fail.load(Ordering::SeqCst) {
            return Box::pin(async { Err(SessionError::Contended) });
        }
        self.inner.save(id, record, condition)
    }
    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.touch(id, seen_at, expires_at)
    }
    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.delete(id)
    }
    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.exists(id)
    }
}

/// A login that would end the oldest strikes it off the list first: if it breaks off then (the store fails, the visitor
/// hangs up), the oldest lives on, and "log out everywhere" does not find it.
#[tokio::test]
async fn a_login_that_breaks_off_hides_the_oldest_session() {
    let (inner, clock) = memory();
    let listed = ListedSessionBackend::new(Fails { inner, ends_fail: AtomicBool::new(false) });
    let listed = listed.with_clock(Arc::new(clock.clone()));
    let login = || {
        let mut login = (*record(&clock, 1, b"\x01{}")).clone();
        login.login = Some(Login::new("7", [0; 32], clock.now()));
        Arc::new(login)
    };
    let (limit, oldest) = (SessionLimit::end_oldest(1), id());
    assert_eq!(listed.save_within(&oldest, login(), SaveIf::Absent, limit).await.unwrap(), Saved::Done);
    listed.inner().ends_fail.store(true, Ordering::SeqCst);
    listed.save_within(&id(), login(), SaveIf::Absent, limit).await.unwrap_err();
    listed.inner().ends_fail.store(false, Ordering::SeqCst);
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(listed.save_within(&id(), login(), SaveIf::Absent, limit).await.unwrap(), Saved::Done);
    let beyond = listed.exists(&oldest).await.unwrap();
    listed.delete_all_of("7", None).await.unwrap();
    let alive = listed.exists(&oldest).await.unwrap();
    assert_eq!((beyond, alive), (false, false), "(beyond the limit, after ending all)");
}

/// One process's clock goes ahead: its copies are held by others for longer than the bound.
#[tokio::test]
async fn a_clock_ahead_stretches_the_bound() {
    let (store, clock) = memory();
    let ahead = ManualClock::new();
    ahead.set(clock.now() + TimeDelta::milliseconds(900));
    let (store, cache) = (Arc::new(store), Arc::new(InMemoryCache::with_clock(Arc::new(clock.clone()))));
    let layer = |clock: &ManualClock| {
        LayeredSessionBackend::new(store.clone()).with_cache(cache.clone()).with_clock(Arc::new(clock.clone()))
    };
    let (one, other) = (layer(&ahead), layer(&clock));
    let id = add(&*store, &clock, b"\x01{}").await;
    one.load(&id).await.unwrap().unwrap();
    clock.advance(TimeDelta::milliseconds(950));
    other.load(&id).await.unwrap().unwrap();
    store.delete(&id).await.unwrap();
    clock.advance(TimeDelta::milliseconds(900));
    assert_eq!(other.load(&id).await.unwrap(), None, "1.85 seconds after the backend was asked");
}

fn in_cookies() -> Router {
    async fn log_in(session: Session) {
        session.set_identity(&Identity::new("https://id.example", "1")).unwrap();
    }
    async fn log_out(session: Session) {
        session.flush().await.unwrap();
    }
    async fn cycle(session: Session) {
        session.cycle_key().await.unwrap();
    }
    async fn who(session: Session) -> String {
        session.identity().unwrap().map_or_else(|| "nobody".to_owned(), |identity| identity.external_id)
    }
    async fn page(token: CsrfToken) -> String {
        token.to_string()
    }
    async fn form(_: CsrfForm<std::collections::HashMap<String, String>>) -> &'static str {
        "done"
    }
    async fn twice() -> Response<Body> {
        let response = Response::builder().header("cache-control", "private").header("cache-control", "public, s-maxage=600");
        response.body(Body::empty()).unwrap()
    }
    async fn cached(_: Session) -> Response<Body> {
        twice().await
    }
    let carrier = CookieSessionBackend::new(&SecretKey::random(), InMemorySessionBackend::new());
    let layer = SessionMiddleware::in_cookies(carrier, HttpSessionConfig::new()).unwrap();
    let router = Router::new().route("/in", get(log_in)).route("/out", get(log_out)).route("/who", get(who));
    let router = router.route("/cycle", get(cycle)).route("/page", get(page)).route("/form", post(form));
    router.route("/cached", get(cached)).layer(layer)
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, Vec<String>, String) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let cookies = parts.headers.get_all("set-cookie").iter();
    let cookies = cookies.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, cookies, String::from_utf8(body.to_vec()).unwrap())
}

fn get_with(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header("host", "example.com").header("cookie", cookie).body(Body::empty()).unwrap()
}

/// Without a `Login` in it a session in a cookie has no end but its time.
#[tokio::test]
async fn a_flushed_session_in_a_cookie_is_ended() {
    let router = in_cookies();
    let (_, cookies, _) = ask(&router, get_with("/in", "")).await;
    let stolen = &cookies[0];
    assert_eq!(ask(&router, get_with("/who", stolen)).await.2, "1");
    ask(&router, get_with("/out", stolen)).await;
    assert_eq!(ask(&router, get_with("/who", stolen)).await.2, "nobody", "after `Session::flush`");
}

#[tokio::test]
async fn a_cycled_session_in_a_cookie_has_one_key() {
    let router = in_cookies();
    let (_, cookies, _) = ask(&router, get_with("/in", "")).await;
    ask(&router, get_with("/cycle", &cookies[0])).await;
    assert_eq!(ask(&router, get_with("/who", &cookies[0])).await.2, "nobody", "\"the old key is dead when this returns\"");
}

/// A token of the attacker's, and the cookie it is bound to, planted by a neighbour, go with the victim's session.
#[tokio::test]
async fn a_token_is_bound_to_the_session_in_a_cookie() {
    let router = in_cookies();
    let (_, victim, _) = ask(&router, get_with("/in", "")).await;
    let (_, attacker, token) = ask(&router, get_with("/page", "")).await;
    let request = Request::post("/form").header("host", "example.com");
    let request = request.header("cookie", format!("{}; {}", victim[0], attacker[0]));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Body::from(format!("csrf_token={token}"))).unwrap();
    assert_eq!(ask(&router, request).await.0, StatusCode::FORBIDDEN, "a token from outside the session");
}

#[tokio::test]
async fn no_header_allows_shared_caches() {
    let response = in_cookies().oneshot(get_with("/cached", "")).await.unwrap();
    let said: Vec<_> = response.headers().get_all("cache-control").iter().collect();
    assert!(said.iter().all(|value| !value.to_str().unwrap().contains("public")), "{said:?}");
}

mod with_users {
    use std::time::Duration;

    use auth::prelude::*;
    use auth::users::{DatabaseUserStore, DefaultUser, Extra};
    use auth_tests::http::PASSWORD;

    use super::*;

    const SECRET: &str = "a vortex, a lantern and 29 quilts for the tests";

    fn form(path: &str, cookie: &str, body: String) -> Request<Body> {
        let request = Request::post(path).header("host", "example.com").header("origin", "https://example.com");
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("cookie", cookie);
        request.body(Body::from(body)).unwrap()
    }

    fn credentials() -> String {
        format!("username=alice&password={PASSWORD}")
    }

    /// Another login of the same user (re-authentication) leaves the cookie from before it good.
    #[tokio::test]
    async fn a_cookie_from_before_a_reauthentication_is_dead() {
        let auth = Auth::<DefaultUser>::builder().sessions("cookie:").secret(SECRET).build().await.unwrap();
        auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
        let router: Router = auth.routes().layer(auth.layer());
        let (_, stolen, _) = ask(&router, form("/login", "", credentials())).await;
        assert_eq!(ask(&router, get_with("/me", &stolen[0])).await.0, StatusCode::OK);
        let (_, fresh, _) = ask(&router, form("/login", &stolen[0], credentials())).await;
        assert_eq!(ask(&router, get_with("/me", &fresh[0])).await.0, StatusCode::OK);
        assert_eq!(ask(&router, get_with("/me", &stolen[0])).await.0, StatusCode::UNAUTHORIZED);
    }

    /// `cookie:` without a database keeps logouts in memory: they are undone by a restart, and unknown to other servers.
    #[tokio::test]
    async fn a_logout_outlives_the_program() {
        let test = auth_tests::sqlite().await;
        auth::accounts::migrate::<DefaultUser>(&test.database).await.unwrap();
        let users = || DatabaseUserStore::<DefaultUser>::new(test.database.clone());
        let start = async || {
            let auth = Auth::<DefaultUser>::builder().users(users()).sessions("cookie:").secret(SECRET);
            auth.build().await.unwrap()
        };
        let auth = start().await;
        auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
        let router: Router = auth.routes().layer(auth.layer());
        let (_, cookies, _) = ask(&router, form("/login", "", credentials())).await;
        ask(&router, form("/logout", &cookies[0], String::new())).await;
        assert_eq!(ask(&router, get_with("/me", &cookies[0])).await.0, StatusCode::UNAUTHORIZED);
        let auth = start().await;
        let router: Router = auth.routes().layer(auth.layer());
        assert_eq!(ask(&router, get_with("/me", &cookies[0])).await.0, StatusCode::UNAUTHORIZED, "after a restart");
    }

    /// Browsers that say nothing of where a form comes from, and hold no cookie back but send none either (SameSite, or a
    /// first visit), are taken for programs: another site logs the visitor in as somebody.
    #[tokio::test]
    async fn a_form_without_cookies_does_not_log_in() {
        let auth = Auth::<DefaultUser>::builder().secret(SECRET).build().await.unwrap();
        auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
        let router: Router = auth.routes().layer(auth.layer());
        let request = Request::post("/login").header("host", "example.com").header("accept", "text/html");
        let request = request.header("referer", "http://evil.example/").header("user-agent", "Mozilla/5.0 Firefox/68.0");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (status, cookies, _) = ask(&router, request.body(Body::from(credentials())).unwrap()).await;
        assert_eq!((status, cookies), (StatusCode::FORBIDDEN, vec![]));
    }

    /// A store that takes its time for a login.
    #[derive(Debug)]
    struct Slow(InMemorySessionBackend);

    impl SessionBackend for Slow {
        fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
            self.0.load(id)
        }
        fn save<'a>(
            &'a self,
            id: &'a SessionDigest,
            record: Arc<SessionRecord>,
            condition: SaveIf,
        ) -> BoxFuture<'a, Result<Saved, SessionError>> {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.0.save(id, record, condition).await
            })
        }
        fn touch<'a>(
            &'a self,
            id: &'a SessionDigest,
            seen_at: DateTime<Utc>,
            expires_at: DateTime<Utc>,
        ) -> BoxFuture<'a, Result<bool, SessionError>> {
            self.0.touch(id, seen_at, expires_at)
        }
        fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
            self.0.delete(id)
        }
        fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
            self.0.exists(id)
        }
    }

    /// A login that is given up on the way (a time-out inside `auth.layer()`) is saved at the end of the request.
    #[tokio::test]
    async fn a_login_that_was_given_up_is_not_saved() {
        async fn log_in(auth: Auth<DefaultUser>, session: Session) -> StatusCode {
            let user = auth.users().get_by_username("alice").await.unwrap().unwrap();
            match tokio::time::timeout(Duration::from_millis(20), auth.log_in_user(&session, &user.id)).await {
                Ok(_) => StatusCode::OK,
                Err(_) => StatusCode::REQUEST_TIMEOUT,
            }
        }
        let store = Arc::new(Slow(InMemorySessionBackend::new()));
        let auth = Auth::<DefaultUser>::builder().secret(SECRET).session_backend(store).build().await.unwrap();
        auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
        let router: Router = Router::new().route("/in", post(log_in)).merge(auth.routes()).layer(auth.layer());
        let (status, cookies, _) = ask(&router, form("/in", "", String::new())).await;
        assert_eq!((status, cookies), (StatusCode::REQUEST_TIMEOUT, vec![]), "logged in all the same");
    }
}

/// A request that came with a key which is dead by now ends the session that it cannot open any more.
#[tokio::test]
async fn a_dead_key_ends_nobodys_session() {
    use auth::prelude::*;
    use auth::users::{DefaultUser, Extra};

    let store = Arc::new(InMemorySessionBackend::new());
    let auth = Auth::<DefaultUser>::builder().session_backend(store).build().await.unwrap();
    let victim = auth.users().create_user("alice", None, Extra::new()).await.unwrap();
    let mallory = auth.users().create_user("mallory", None, Extra::new()).await.unwrap();
    let planted = auth.new_session();
    planted.set("cart", 1).unwrap();
    planted.save().await.unwrap();
    let (theirs, _) = auth.resume(planted.key()).await.unwrap();
    let (under_way, _) = auth.resume(planted.key()).await.unwrap();
    auth.log_in_user(&theirs, &victim.id).await.unwrap().unwrap();
    auth.log_in_user(&under_way, &mallory.id).await.unwrap().unwrap();
    assert!(auth.resume(theirs.key()).await.unwrap().1.is_some(), "ended by a login with a dead key");
}

/// Two cookies of one secret: the visitor carries the value of one into the other.
#[tokio::test]
async fn a_cookie_is_sealed_for_its_name() {
    async fn set(session: Session) {
        session.set("step", "passed").unwrap();
    }
    async fn read(session: Session) -> String {
        session.get("step").unwrap().unwrap_or_default()
    }
    let secret = SecretKey::random();
    let router = |name: &str| {
        let carrier = CookieSessionBackend::new(&secret, InMemorySessionBackend::new());
        let layer = SessionMiddleware::in_cookies(carrier, HttpSessionConfig::new().name(name)).unwrap();
        Router::new().route("/set", get(set)).route("/read", get(read)).layer(layer)
    };
    let (_, cookies, _) = ask(&router("blog"), get_with("/set", "")).await;
    let carried = cookies[0].replace("__Host-blog=", "__Host-admin=");
    assert_eq!(ask(&router("admin"), get_with("/read", &carried)).await.2, "");
}
