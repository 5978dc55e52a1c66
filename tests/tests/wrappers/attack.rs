//! Findings of an attacker: every test here fails and should not.

use std::sync::Arc;

use auth::BoxFuture;
use auth::secret::SecretKey;
use auth::sessions::{
    CookieSessionBackend, HttpSessionConfig, Identity, InMemorySessionBackend, SaveIf, Saved, Session, SessionBackend,
    SessionDigest, SessionError, SessionRecord,
};
use auth::web::SessionMiddleware;
use auth::web::axum::{CsrfForm, CsrfToken};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use tower::ServiceExt as _;

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
