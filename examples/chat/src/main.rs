//! A chat that nobody stays in who has logged out: `cargo run -p chat`, then open the address it prints.
//! Start it twice, with `ADDRESS=127.0.0.1:8001` the second time: whoever logs out at one is out of the other, too. With
//! `REDIS_URL=redis://127.0.0.1` the servers tell each other, and ask the database seldom.

use std::net::SocketAddr;
use std::time::Duration;

use auth::prelude::*;
use auth::sessions::RedisInvalidations;
use auth::users::{DefaultUser, User as _};
use auth::web::axum::{AuthSocket, AuthUpgrade, SocketTicket};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::Message;
use axum::response::{Html, Response};
use axum::routing::{any, get, post};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError};

/// What is said in this process. (Rooms across servers are another subject: a database that notifies, a Redis.)
type Room = broadcast::Sender<String>;

async fn chat(upgrade: AuthUpgrade<DefaultUser>, State(room): State<Room>) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, room))
}

async fn talk(mut socket: AuthSocket<DefaultUser>, room: Room) {
    let mut said = room.subscribe();
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                // `socket.user()` is who it is now: ask it what they may do, too.
                Some(Message::Text(text)) => _ = room.send(format!("{}: {text}", socket.user().username())),
                Some(_) => {}
                None => break, // gone, or logged out, on whatever server
            },
            line = said.recv() => match line {
                Ok(line) => if socket.send(line).await.is_err() {
                    break;
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
        }
    }
}

const STRANGER: &str = "<a href=/register>Register</a> or <a href=/login>log in</a>";
const MEMBER: &str = r#"<form id=say><input name=words autofocus></form><ul id=said></ul>
<form method=post action=/logout><button>Log out</button></form>
<script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat");
socket.onmessage = ({ data }) => said.append(Object.assign(document.createElement("li"), { textContent: data }));
socket.onclose = ({ code }) => { if (code == 4401) location = "/login"; };
say.onsubmit = (event) => { event.preventDefault(); socket.send(say.words.value); say.reset(); };
</script>"#;

async fn home(user: Option<CurrentUser<DefaultUser>>) -> Html<&'static str> {
    Html(if user.is_some() { MEMBER } else { STRANGER })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Auth::<DefaultUser>::builder().database("sqlite:chat.db?mode=rwc");
    if let Ok(url) = std::env::var("REDIS_URL") {
        let announcements = RedisInvalidations::connect(url.as_str()).await?;
        builder = builder.announce_endings(announcements).recheck_sockets_every(Duration::from_secs(30));
    }
    let auth = builder.build().await?;
    auth.migrate().await?;
    let app = Router::new()
        .route("/", get(home))
        .route("/chat", any(chat)) // who comes in, the socket itself decides
        .route("/chat/ticket", post(|ticket: SocketTicket| async { ticket })) // for clients without cookies
        .with_state(Room::new(64))
        .merge(auth.routes())
        .layer(auth.layer());
    let listener = TcpListener::bind(std::env::var("ADDRESS").unwrap_or("127.0.0.1:8000".into())).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
