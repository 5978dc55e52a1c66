//! A site on a port of its own, as browsers reach it.

use std::net::SocketAddr;

use auth::accounts::AuthBuilder;
use auth::prelude::*;
use auth::users::DefaultUser;
use auth_tests::browser::Browser;
use auth_tests::http::PASSWORD;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) struct Site {
    pub(crate) auth: Auth<DefaultUser>,
    pub(crate) address: String,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(settings: impl FnOnce(AuthBuilder<DefaultUser>) -> AuthBuilder<DefaultUser>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Passkeys are bound to a name: an IP address will not do.
        let address = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let auth = settings(Auth::<DefaultUser>::builder().origin(&address)).build().await.unwrap();
        let app = Router::new()
            .route("/", get(home))
            .merge(auth.routes())
            .merge(auth.factor_routes())
            .layer(auth.layer())
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { auth, address }
    }

    pub(crate) async fn go(&self, browser: &Browser, path: &str) {
        browser.open(&format!("{}{path}", self.address)).await;
    }

    /// Registers and logs in by the forms.
    pub(crate) async fn join(&self, browser: &Browser, name: &str) {
        self.go(browser, "/register").await;
        browser.submit(&[("username", name), ("password", PASSWORD)]).await;
        browser.until_at("/login").await;
        self.log_in(browser, name).await;
        browser.until_shown(&format!("You are {name}")).await;
    }

    /// Fills in the login form, and sends it.
    pub(crate) async fn log_in(&self, browser: &Browser, name: &str) {
        self.go(browser, "/login").await;
        browser.submit(&[("username", name), ("password", PASSWORD)]).await;
    }

    pub(crate) async fn log_out(&self, browser: &Browser) {
        self.go(browser, "/").await;
        post(browser, "/logout", &json!({})).await;
        self.go(browser, "/").await;
        browser.until_shown("You are nobody").await;
    }
}

async fn home(user: Option<CurrentUser<DefaultUser>>) -> Html<String> {
    let name = user.as_ref().map_or("nobody", |user| &user.username);
    Html(format!("<!doctype html><title>Home</title><p>You are {name}.</p>"))
}

/// Sends JSON from the page that is open; gives the status and the answer.
pub(crate) async fn post(browser: &Browser, path: &str, body: &Value) -> (u64, Value) {
    const POST: &str = "
        const [path, body] = args;
        const headers = { 'Content-Type': 'application/json' };
        const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
        return [answer.status, await answer.json().catch(() => null)];";
    let answer = browser.script(POST, &[json!(path), body.clone()]).await;
    (answer[0].as_u64().unwrap_or_else(|| panic!("{path}: {answer}")), answer[1].clone())
}
