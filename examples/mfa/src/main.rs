//! Second factors: `cargo run -p mfa`, open the address it prints, register, log in, and add an authenticator app or a
//! passkey. The vault opens to a login by two factors, and is emptied by one of the last five minutes.
//! Whoever has lost them all: `cargo run -p mfa -- reset alice`.

use std::net::SocketAddr;

use auth::audit::Origin;
use auth::prelude::*;
use auth::users::DefaultUser;
use auth::web::axum::{CsrfForm, CsrfToken};
use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::get;
use tokio::net::TcpListener;

const STRANGER: &str = "<p><a href=/register>Register</a> or <a href=/login>log in</a></p>";
const USER: &str = "<p><a href=/factors>Your second factors</a>, <a href=/vault>the vault</a></p>
    <form method=post action=/logout><button>Log out</button></form>";

async fn home(user: Option<CurrentUser<DefaultUser>>) -> Html<&'static str> {
    Html(if user.is_some() { USER } else { STRANGER })
}

#[mfa_required] // whoever has no second factor is sent to `/factors`
async fn vault(session: Session) -> Html<String> {
    let content = if session.contains_key("emptied") { "nothing" } else { "gold" };
    Html(format!("<p>There is {content} in here.</p><p><a href=/vault/empty>Empty it</a></p>"))
}

#[mfa_required]
#[recent_login(within = "5m")] // after that, `/reauthenticate` asks again who it is
async fn ask(token: CsrfToken) -> Html<String> {
    Html(format!("<form method=post>{}<button>Empty the vault</button></form>", token.hidden_field()))
}

#[mfa_required]
#[recent_login(within = "5m")]
async fn empty(session: Session, CsrfForm(()): CsrfForm<()>) -> Result<Redirect, auth::Error> {
    session.set("emptied", true)?;
    Ok(Redirect::to("/vault"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Auth::<DefaultUser>::builder().database("sqlite:mfa-example.db?mode=rwc").mfa_issuer("The vault"); // what authenticator apps show
    if let [command, username] = &std::env::args().skip(1).collect::<Vec<_>>()[..]
        && command == "reset"
    {
        let auth = builder.build().await?;
        let user = auth.users().get_by_username(username).await?.ok_or("there is no such user")?;
        let removed = auth.reset_factors(&user.id.to_string(), &Origin::unknown().by("command line")).await?;
        println!("{username} had {removed} factors");
        return Ok(());
    }
    let listener = TcpListener::bind(std::env::var("ADDRESS").unwrap_or("127.0.0.1:8000".into())).await?;
    let address = format!("http://localhost:{}", listener.local_addr()?.port());
    let auth = builder.origin(&address).build().await?; // what passkeys are bound to
    auth.migrate().await?;
    let app = Router::new()
        .route("/", get(home))
        .route("/vault", get(vault))
        .route("/vault/empty", get(ask).post(empty))
        .merge(auth.routes()) // with the second step of a login, where there is one
        .merge(auth.factor_routes()) // the list, authenticator apps, passkeys, recovery codes
        .layer(auth.layer());
    println!("{address}");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
