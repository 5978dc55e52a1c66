//! A WebSocket: who comes in, and that nobody stays whose login has ended.

mod announced;
mod ends;
mod first_message;
mod opened;
mod tickets;

use std::time::{Duration, Instant};

use auth::Auth;
use auth::accounts::AuthBuilder;
use auth::web::AuthLayer;
use auth::web::axum::{AuthSocket, AuthUpgrade, LOGIN_ENDED, SocketTicket};
use auth_tests::http::Visitor;
use auth_tests::socket::{Socket, text};
use axum::Router;
use axum::extract::ws::Message;
use axum::response::Response;
use axum::routing::{any, post};

use crate::app::{self, Author, Site};

/// A site with sockets.
pub(crate) struct Sockets {
    pub(crate) site: Site,
    pub(crate) address: String,
}

impl Sockets {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(settings: impl FnOnce(AuthBuilder<Author>) -> AuthBuilder<Author>) -> Self {
        let site = Site::with(settings).await;
        let address = serve(&site.auth).await;
        Self { site, address }
    }

    /// Somebody who has registered and logged in, and a socket of theirs.
    pub(crate) async fn member(&self, name: &str) -> (Visitor, Socket) {
        member(&self.address, name).await
    }
}

pub(crate) async fn member(address: &str, name: &str) -> (Visitor, Socket) {
    let visitor = Visitor::new(address);
    visitor.join(name).await;
    let socket = visitor.socket("/echo").await.unwrap();
    (visitor, socket)
}

pub(crate) async fn serve(auth: &Auth<Author>) -> String {
    app::serve(sockets_by(auth.layer()).merge(app::router(auth))).await
}

/// Sockets for whom this layer recognises.
pub(crate) fn sockets_by(layer: AuthLayer) -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/busy", any(busy))
        .route("/flood", any(flood))
        .route("/hasty", any(hasty))
        .route("/ticket", post(|ticket: SocketTicket| async { ticket }))
        .layer(layer)
}

async fn answers(mut socket: AuthSocket<Author>) {
    while let Some(message) = socket.recv().await {
        let Message::Text(said) = message else { continue };
        let answer = match said.as_str() {
            "who" => socket.user().username.clone(),
            "may" => socket.user().has_perm("blog.publish_post").to_string(),
            other => other.to_owned(),
        };
        if socket.send(answer).await.is_err() {
            break;
        }
    }
}

async fn echo(upgrade: AuthUpgrade<Author>) -> Response {
    upgrade.on_upgrade(answers)
}

/// Says one thing, and does something else for ever.
async fn busy(upgrade: AuthUpgrade<Author>) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        socket.send("busy").await.unwrap();
        std::future::pending::<()>().await;
    })
}

/// Says more than anybody reads.
async fn flood(upgrade: AuthUpgrade<Author>) -> Response {
    upgrade.on_upgrade(|mut socket| async move { while socket.send("x".repeat(32 << 10)).await.is_ok() {} })
}

/// Gives strangers little time, and takes small messages.
async fn hasty(upgrade: AuthUpgrade<Author>) -> Response {
    let upgrade = upgrade.first_message_within(Duration::from_millis(300)).max_message_size(100);
    upgrade.on_upgrade(answers)
}

/// Within a second, it is promised; the machine that runs the tests may be busy. Less than the minute after which a
/// socket that is only told looks for itself.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// It is closed because the login has ended, soon.
pub(crate) async fn has_ended(mut socket: Socket) {
    let began = Instant::now();
    assert_eq!(socket.end().await, Some(LOGIN_ENDED));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

pub(crate) async fn is_open(socket: &mut Socket) {
    assert_eq!(socket.ask("still there?").await, text("still there?"));
}
