//! Other programs act for your users, as far as these allow: `cargo run -p oauth2-provider`, then open the address it prints.
//! `cargo run -p oauth2-provider -- register` registers two clients, `… -- ada` lets a user see photos.
//!
//! A client sends people to `/oauth2/authorize`; they log in and agree; it gets a code, and for the code a token, with which it
//! asks `/photos` in their name. Another one runs on a television, which shows a code to be typed at `/oauth2/device`. To be the
//! television, once both are registered, and `ada` has registered and may see photos:
//!
//! ```sh
//! curl -d client_id=television http://127.0.0.1:8000/oauth2/device_authorization # then open `verification_uri_complete`
//! curl -d client_id=television -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d device_code=… http://127.0.0.1:8000/oauth2/token
//! curl -H 'Authorization: Bearer …' http://127.0.0.1:8000/photos
//! ```

use std::net::SocketAddr;

use auth::oauth2::provider::{GrantType, OAuth2Application, OAuth2Config, OAuth2Error};
use auth::prelude::*;
use auth::users::DefaultUser;
use auth::web::authentication::BearerAuthentication;
use axum::Router;
use axum::extract::Path;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use tokio::net::TcpListener;

mod permissions {
    auth::permissions! { photos { model Photo; } }
    auth::groups! { photographers: "Photographers" => [photos::view_photo]; }
}

/// Asked by a client: it may, if its user may and has allowed it that.
#[permission_required("photos.view_photo")]
async fn photos(user: CurrentUser<DefaultUser>) -> String {
    format!("the photos of {}", user.username)
}

/// What a user allowed, and how it is taken back.
async fn connections(auth: Auth<DefaultUser>, user: CurrentUser<DefaultUser>) -> Result<Html<String>, OAuth2Error> {
    let consents = auth.oauth2().consents(&user.id.to_string()).await?;
    let rows = consents.iter().map(|consent| {
        let (client, scope) = (&consent.client_id, &consent.scope); // both are plain ASCII, chosen by this program
        format!("<form method=post action=/connections/{client}>{client}: {scope} <button>Disconnect</button></form>")
    });
    Ok(Html(rows.collect()))
}

async fn disconnect(
    auth: Auth<DefaultUser>,
    user: CurrentUser<DefaultUser>,
    Path(client): Path<String>,
) -> Result<Redirect, OAuth2Error> {
    auth.oauth2().revoke_consent(&user.id.to_string(), &client).await?;
    Ok(Redirect::to("/connections"))
}

/// Registers a program on a server, one on a television, and shows the secret of the first: now or never.
async fn register(auth: &Auth<DefaultUser>) -> Result<String, OAuth2Error> {
    let television = OAuth2Application::public("Television")
        .client_id("television")
        .grants([GrantType::DeviceCode])
        .scope("photos.view_photo");
    auth.oauth2().register_application(television).await?;
    let prints = OAuth2Application::confidential("Photo prints")
        .client_id("prints")
        .redirect_uri("http://127.0.0.1/callback") // whatever the port, as native programs need it
        .scope("photos.view_photo")
        .grant(GrantType::RefreshToken);
    let registered = auth.oauth2().register_application(prints).await?;
    Ok(registered.client_secret.map_or_else(String::new, |secret| secret.expose().to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(std::env::var("ADDRESS").unwrap_or("127.0.0.1:8000".into())).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let config = OAuth2Config::new(&address); // what others know this provider by: `https://…` in production
    let auth = Auth::<DefaultUser>::builder().database("sqlite:photos.db?mode=rwc").oauth2(config).build().await?;
    auth.migrate().await?;
    match std::env::args().nth(1).as_deref() {
        None => println!("{address}"),
        Some("register") => return register(&auth).await.map(|secret| println!("{secret}")).map_err(Into::into),
        Some(name) => {
            let user = auth.users().get_by_username(name).await?.ok_or("nobody has registered with that name")?;
            return Ok(auth.users().add_to_group(&user.id, "photographers").await.map(drop)?);
        }
    }
    // For people, with a session's cookie …
    let mine = Router::new().route("/connections", get(connections)).route("/connections/{client}", post(disconnect));
    let pages = auth.protected(mine).merge(auth.routes()).merge(auth.oauth2_routes()).layer(auth.layer());
    // … and for clients, with a token.
    let api = Router::new().route("/photos", get(photos)).layer(auth.layer_by(BearerAuthentication));
    Ok(axum::serve(listener, pages.merge(api).into_make_service_with_connect_info::<SocketAddr>()).await?)
}
