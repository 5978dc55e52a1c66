//! What has ended stays so, whoever kept a cookie of it; what was given up is not done.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth::prelude::*;
use auth::records::{InMemoryRecordStore, RecordError};
use auth::secret::SecretKey;
use auth::sessions::{
    CookieSessionBackend, HttpSessionConfig, Identity, InMemorySessionBackend, Session, SessionError,
};
use auth::users::{DefaultUser, Extra};
use auth::web::SessionMiddleware;
use auth::web::axum::{CsrfForm, CsrfToken};
use auth_tests::http::PASSWORD;
use auth_tests::{Before, BeforeRecords, Call};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use axum::response::AppendHeaders;
use axum::routing::{get, post};
use tokio::sync::Notify;
use tower::ServiceExt as _;

struct Answer {
    status: StatusCode,
    cookies: Vec<String>,
    cache_control: Vec<String>,
    text: String,
}

async fn ask(router: &Router, request: Builder, body: impl Into<Body>) -> Answer {
    let request = request.header("host", "example.com").body(body.into()).unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let all = |name: &str| parts.headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned());
    let cookies = all("set-cookie").map(|line| line.split(';').next().unwrap().to_owned()).collect();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status, cookies, cache_control: all("cache-control").collect(), text }
}

async fn visit(router: &Router, path: &str, cookie: &str) -> Answer {
    ask(router, Request::get(path).header("cookie", cookie), ()).await
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Sessions in cookies, without users.
fn in_cookies(secret: &SecretKey, name: &str) -> Router {
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
    async fn form(_: CsrfForm<HashMap<String, String>>) -> &'static str {
        "done"
    }
    async fn cached(_: Session) -> AppendHeaders<[(&'static str, &'static str); 2]> {
        AppendHeaders([("cache-control", "private"), ("cache-control", "public, s-maxage=600")])
    }
    let carrier = CookieSessionBackend::new(secret, InMemorySessionBackend::new());
    let layer = SessionMiddleware::in_cookies(carrier, HttpSessionConfig::new().name(name)).unwrap();
    let router = Router::new().route("/in", get(log_in)).route("/out", get(log_out)).route("/who", get(who));
    let router = router.route("/cycle", get(cycle)).route("/page", get(page)).route("/form", post(form));
    router.route("/cached", get(cached)).layer(layer)
}

fn carried() -> Router {
    in_cookies(&SecretKey::random(), "session")
}

async fn logged_in(router: &Router) -> String {
    let cookie = visit(router, "/in", "").await.cookies.swap_remove(0);
    assert_eq!(visit(router, "/who", &cookie).await.text, "1");
    cookie
}

#[tokio::test]
async fn a_flushed_session_in_a_cookie_is_dead_whoever_kept_it() {
    let router = carried();
    let (kept, another) = (logged_in(&router).await, logged_in(&router).await);
    visit(&router, "/out", &kept).await;
    assert_eq!(visit(&router, "/who", &kept).await.text, "nobody");
    assert_eq!(visit(&router, "/who", &another).await.text, "1", "and no other");
}

#[tokio::test]
async fn a_session_in_a_cookie_has_one_key() {
    let router = carried();
    let old = logged_in(&router).await;
    let new = visit(&router, "/cycle", &old).await.cookies.swap_remove(0);
    assert_eq!(visit(&router, "/who", &old).await.text, "nobody");
    assert_eq!(visit(&router, "/who", &new).await.text, "1");
}

#[tokio::test]
async fn a_token_is_bound_to_the_session_in_a_cookie() {
    let router = carried();
    let (victim, attacker) = (logged_in(&router).await, visit(&router, "/page", "").await);
    let theirs = visit(&router, "/page", &victim).await.text;
    for (token, expected) in [(attacker.text, StatusCode::FORBIDDEN), (theirs, StatusCode::OK)] {
        let cookies = format!("{victim}; {}", attacker.cookies[0]);
        let request = Request::post("/form").header("cookie", cookies).header(FORM.0, FORM.1);
        assert_eq!(ask(&router, request, format!("csrf_token={token}")).await.status, expected);
    }
}

#[tokio::test]
async fn a_cookie_is_sealed_for_its_name() {
    let secret = SecretKey::random();
    let cookie = logged_in(&in_cookies(&secret, "blog")).await;
    let carried = cookie.replace("__Host-blog=", "__Host-admin=");
    assert_eq!(visit(&in_cookies(&secret, "admin"), "/who", &carried).await.text, "nobody");
}

#[tokio::test]
async fn no_header_allows_shared_caches() {
    assert_eq!(visit(&carried(), "/cached", "").await.cache_control, ["private"]);
}

const SECRET: &str = "a vortex, a lantern and 29 quilts for the tests";

async fn with_alice(
    settings: impl FnOnce(auth::accounts::AuthBuilder<DefaultUser>) -> auth::accounts::AuthBuilder<DefaultUser>,
) -> Auth<DefaultUser> {
    let auth = settings(Auth::builder().secret(SECRET)).build().await.unwrap();
    auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
    auth
}

async fn log_in(router: &Router, cookie: &str) -> Answer {
    let request = Request::post("/login").header("origin", "https://example.com").header(FORM.0, FORM.1);
    ask(router, request.header("cookie", cookie), format!("username=alice&password={PASSWORD}")).await
}

#[tokio::test]
async fn a_cookie_from_before_another_login_is_dead() {
    let auth = with_alice(|builder| builder.sessions("cookie:memory:")).await;
    let router: Router = auth.routes().layer(auth.layer());
    let old = log_in(&router, "").await.cookies.swap_remove(0);
    assert_eq!(visit(&router, "/me", &old).await.status, StatusCode::OK);
    let new = log_in(&router, &old).await.cookies.swap_remove(0);
    assert_eq!(visit(&router, "/me", &new).await.status, StatusCode::OK);
    assert_eq!(visit(&router, "/me", &old).await.status, StatusCode::UNAUTHORIZED);
}

/// Not even from a browser that says nothing of where a form comes from.
#[tokio::test]
async fn another_site_logs_nobody_in() {
    let auth = with_alice(|builder| builder).await;
    let router: Router = auth.routes().layer(auth.layer());
    let credentials = format!("username=alice&password={PASSWORD}");
    let request = || Request::post("/login").header("accept", "text/html").header(FORM.0, FORM.1);
    let answer = ask(&router, request(), credentials.clone()).await;
    assert_eq!((answer.status, answer.cookies), (StatusCode::FORBIDDEN, vec![]));
    // Such a browser has the token of the page that it got the form from.
    let page = visit(&router, "/csrf", "").await;
    let token = page.text.split('"').find(|part| part.len() > 80).unwrap().to_owned();
    let answer =
        ask(&router, request().header("cookie", &page.cookies[0]), format!("{credentials}&csrf_token={token}"));
    assert_eq!(answer.await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_that_was_given_up_is_not_saved() {
    async fn log_in(auth: Auth<DefaultUser>, session: Session) -> StatusCode {
        let user = auth.users().get_by_username("alice").await.unwrap().unwrap();
        match tokio::time::timeout(Duration::ZERO, auth.log_in_user(&session, &user.id)).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }
    let asked = Arc::new(AtomicBool::new(false));
    let store = Before::new(InMemorySessionBackend::new(), move |call| {
        let hangs = call == Call::Save && !asked.swap(true, Ordering::SeqCst);
        async move { if hangs { pending().await } else { Ok(()) } }
    });
    let auth = with_alice(|builder| builder.session_backend(store)).await;
    let router: Router = Router::new().route("/in", post(log_in)).layer(auth.layer());
    let answer = ask(&router, Request::post("/in").header("origin", "https://example.com"), ()).await;
    assert_eq!((answer.status, answer.cookies), (StatusCode::REQUEST_TIMEOUT, vec![]));
}

/// Whether a factor was added meanwhile is asked when the session is saved already.
#[tokio::test]
async fn a_login_that_may_not_be_allowed_gives_no_cookie() {
    for hangs in [false, true] {
        // The session is the last that is written before everything is away.
        let (gone, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let saved = gone.clone();
        let sessions = Before::new(InMemorySessionBackend::new(), move |call| {
            let is_gone = saved.fetch_or(call == Call::Save, Ordering::SeqCst);
            async move { if is_gone { Err(SessionError::store("the store is gone")) } else { Ok(()) } }
        });
        let (away, reached) = (gone.clone(), asked.clone());
        let records = BeforeRecords::new(Arc::new(InMemoryRecordStore::new()), move |_, _| {
            let (is_gone, reached) = (away.load(Ordering::SeqCst), reached.clone());
            async move {
                if is_gone && hangs {
                    reached.notify_one();
                    pending().await
                } else if is_gone {
                    Err(RecordError::store("the store is gone"))
                } else {
                    Ok(())
                }
            }
        });
        let auth = with_alice(|builder| builder.session_backend(sessions).record_store(records)).await;
        let log_in = async move |auth: Auth<DefaultUser>, session: Session| {
            let user = auth.users().get_by_username("alice").await.unwrap().unwrap();
            tokio::select! {
                result = auth.log_in_user(&session, &user.id) => result.map(drop).map_err(|_| StatusCode::SERVICE_UNAVAILABLE),
                () = asked.notified() => Err(StatusCode::REQUEST_TIMEOUT),
            }
        };
        let router: Router = Router::new().route("/in", post(log_in)).layer(auth.layer());
        let answer = ask(&router, Request::post("/in").header("origin", "https://example.com"), ()).await;
        assert!(gone.load(Ordering::SeqCst), "the session was saved");
        let status = if hangs { StatusCode::REQUEST_TIMEOUT } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!((answer.status, answer.cookies), (status, vec![]));
    }
}

#[tokio::test]
async fn a_dead_key_ends_nobodys_session() {
    let auth = with_alice(|builder| builder).await;
    let alice = auth.users().get_by_username("alice").await.unwrap().unwrap();
    let mallory = auth.users().create_user("mallory", None, Extra::new()).await.unwrap();
    let planted = auth.new_session();
    planted.set("cart", 1).unwrap();
    planted.save().await.unwrap();
    let (theirs, _) = auth.resume(planted.key()).await.unwrap();
    let (under_way, _) = auth.resume(planted.key()).await.unwrap();
    auth.log_in_user(&theirs, &alice.id).await.unwrap().unwrap();
    auth.log_in_user(&under_way, &mallory.id).await.unwrap().unwrap();
    assert!(auth.resume(theirs.key()).await.unwrap().1.is_some());
    assert!(auth.resume(under_way.key()).await.unwrap().1.is_some());
}
