//! Logins in two steps over real HTTP, and what users do with their second factors.

mod attacks;
mod between;
mod factors;
mod next;
mod pages;
mod reauthenticate;
mod sent_codes;
mod ways_in;

use auth::Auth;
use auth::accounts::AuthBuilder;
use auth::clock::Clock as _;
use auth::mfa::{Totp, TotpConfig};
use auth::prelude::*;
use auth::web::axum::SocketTicket;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{self, Author, Site, router};

/// A site whose users can have second factors.
pub(super) struct Steps {
    pub(super) site: Site,
    pub(super) address: String,
}

#[mfa_required]
async fn two_factors() {}

#[recent_login(within = "5m")]
async fn recent() {}

pub(super) async fn serve(auth: &Auth<Author>) -> String {
    let own = Router::new()
        .route("/two", get(two_factors))
        .route("/recent", get(recent))
        .route("/ticket", post(|ticket: SocketTicket| async { ticket }))
        .merge(auth.factor_routes())
        .merge(auth.token_routes())
        .layer(auth.layer());
    app::serve(router(auth).merge(own)).await
}

impl Steps {
    pub(super) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(settings: impl FnOnce(AuthBuilder<Author>) -> AuthBuilder<Author>) -> Self {
        let site = Site::with(settings).await;
        let address = serve(&site.auth).await;
        Self { site, address }
    }

    pub(super) fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }

    /// Somebody who has registered, logged in, and enrolled an authenticator app.
    pub(super) async fn member(&self, name: &str) -> Member {
        let visitor = self.visitor();
        visitor.join(name).await;
        let (app, recovery_codes) = self.enrol(&visitor).await;
        Member { visitor, app, recovery_codes }
    }

    /// Enrols an authenticator app; the recovery codes are those that came with it.
    pub(super) async fn enrol(&self, visitor: &Visitor) -> (Totp, Vec<String>) {
        let begun = visitor.post("/factors/totp", &json!({})).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let begun = begun.json();
        let app = Totp::from_base32(begun["secret"].as_str().unwrap(), TotpConfig::default()).unwrap();
        let body = json!({ "challenge": begun["challenge"], "code": self.code(&app), "name": "Phone" });
        let added = visitor.post("/factors/totp/confirm", &body).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
        let codes = added.json()["recovery_codes"].as_array().cloned().unwrap_or_default();
        (app, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// The next code of the app: none is taken twice.
    pub(super) fn code(&self, app: &Totp) -> String {
        self.site.clock.advance(TimeDelta::seconds(30));
        app.code_at(self.site.clock.now()).expose().to_owned()
    }

    /// A visitor whose password is proved, and who waits.
    pub(super) async fn waiting(&self, name: &str) -> Visitor {
        let visitor = self.visitor();
        let answer = password(&visitor, name).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        assert!(answer.json()["factors"].is_array(), "{}", answer.text);
        visitor
    }
}

/// Somebody with a second factor, who is logged in.
pub(super) struct Member {
    pub(super) visitor: Visitor,
    pub(super) app: Totp,
    pub(super) recovery_codes: Vec<String>,
}

pub(super) async fn password(visitor: &Visitor, name: &str) -> Answer {
    visitor.post("/login", &json!({ "username": name, "password": PASSWORD })).await
}

pub(super) async fn totp(visitor: &Visitor, code: &str) -> Answer {
    visitor.post("/login/factor", &json!({ "factor": "totp", "code": code })).await
}

pub(super) async fn me(visitor: &Visitor) -> StatusCode {
    visitor.get("/me").await.status
}

pub(super) fn wrong(app: &Totp, clock: &auth::testing::ManualClock) -> String {
    // Digits that no step within the window has.
    let taken: Vec<_> = (-2..=2).map(|step| app.code_at(clock.now() + TimeDelta::seconds(30 * step))).collect();
    let mut codes = (0..).map(|number: u32| format!("{number:06}"));
    codes.find(|code| taken.iter().all(|taken| taken.expose() != code)).unwrap()
}

#[tokio::test]
async fn a_login_with_a_second_factor_takes_two_steps() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    let first = password(&visitor, "alice").await;
    let problem = first.json();
    let factors = json!(["totp", "recovery_codes"]);
    assert_eq!((first.status, &problem["factors"]), (StatusCode::UNAUTHORIZED, &factors), "{}", first.text);
    assert_eq!(first.header("content-type"), Some("application/problem+json"));
    assert!(!first.text.contains("alice"), "nothing of the user");
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);

    let second = totp(&visitor, &steps.code(&app)).await;
    assert_eq!((second.status, &second.json()["username"]), (StatusCode::OK, &json!("alice")));
    assert_eq!(me(&visitor).await, StatusCode::OK);
    assert_eq!(visitor.get("/two").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_recovery_code_logs_in_once() {
    let steps = Steps::start().await;
    let member = steps.member("alice").await;
    assert_eq!(member.recovery_codes.len(), 10);
    let body = json!({ "factor": "recovery_codes", "code": member.recovery_codes[3] });
    let visitor = steps.waiting("alice").await;
    assert_eq!(visitor.post("/login/factor", &body).await.status, StatusCode::OK);
    assert_eq!(visitor.get("/factors").await.json()["recovery_codes"], 9);
    let again = steps.waiting("alice").await;
    assert_eq!(again.post("/login/factor", &body).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&again).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_login_that_waits_opens_nothing_but_the_second_step() {
    let steps = Steps::start().await;
    steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    for path in ["/me", "/closed", "/factors", "/two", "/recent", "/login-required"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let page = visitor.browse(path).await;
        assert!(page.location().is_none_or(|to| to.starts_with("/login?")), "{path}: {page:?}");
        assert_ne!(page.status, StatusCode::OK, "{path}");
    }
    let nothing = json!({});
    for (path, body) in [
        ("/ticket", &nothing),
        ("/password", &nothing),
        ("/factors/totp", &nothing),
        ("/factors/recovery-codes", &nothing),
        ("/factors/x/remove", &nothing),
        ("/reauthenticate", &json!({ "password": PASSWORD })),
    ] {
        let answer = visitor.post(path, body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.text);
    }
    assert_eq!(visitor.get("/maybe").await.text, "", "nobody");
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK);
    // Its tokens for forms are those of any visitor.
    let token = visitor.get("/csrf").await.json()["csrf_token"].as_str().unwrap().to_owned();
    let logout = visitor.request(Method::POST, "/logout").header("x-csrf-token", token);
    assert_eq!(visitor.send(logout).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn each_step_has_a_key_of_its_own() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    // What somebody may have planted.
    visitor.send(visitor.request(Method::POST, "/note").header("origin", &steps.address).body("x")).await;
    let planted = visitor.cookie().unwrap();
    password(&visitor, "alice").await;
    let waiting = visitor.cookie().unwrap();
    assert_ne!(planted, waiting);
    let code = steps.code(&app);
    let body = json!({ "factor": "totp", "code": &code });
    let with = |cookie: &str| {
        let other = steps.visitor();
        let request = other.request(Method::POST, "/login/factor");
        let request = request.header("origin", &steps.address).header("cookie", cookie).json(&body);
        async move { other.send(request).await.status }
    };
    assert_eq!(with(&planted).await, StatusCode::UNAUTHORIZED, "the old key knows of no login");
    assert_eq!(totp(&visitor, &code).await.status, StatusCode::OK, "and nothing was used up");
    let logged_in = visitor.cookie().unwrap();
    assert_ne!(waiting, logged_in);
    for dead in [&planted, &waiting] {
        let other = steps.visitor();
        let request = other.request(Method::GET, "/me").header("cookie", dead);
        assert_eq!(other.send(request).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(with(dead).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(visitor.get("/note").await.text, "x", "what an anonymous visitor had stays");
}
