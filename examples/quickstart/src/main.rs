//! Users, logins and permissions in one file: `cargo run -p quickstart`, then open the address it prints.
//! Whoever has registered becomes an editor, who may publish, by `cargo run -p quickstart -- me@example.com`.

use std::net::SocketAddr;

use auth::prelude::*;
use axum::Router;
use axum::extract::Path;
use axum::response::Html;
use axum::routing::{get, post};
use tokio::net::TcpListener;

mod permissions {
    // The words of this application, declared once, at the crate root.
    // `model Post` declares add_post, change_post, delete_post and view_post.
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
    auth::groups! { editors: "Editors" => [blog::change_post, blog::publish_post]; }
}

#[derive(User, Clone)]
#[user(table = "author", username = email)]
struct Author {
    id: Uuid,
    email: String,
    password_hash: PasswordHash, // redacted, never serialised
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    is_superuser: bool,
    groups: Vec<String>,
    user_permissions: Vec<String>,
    #[user(editable)] // may be set when registering
    pen_name: String,
}

const STRANGER: &str = "<a href=/register>Register</a> or <a href=/login>log in</a>";
const AUTHOR: &str = "<form method=post><button formaction=/posts/1/publish>Publish</button>
    <button formaction=/logout>Log out</button></form>";

async fn home(user: Option<CurrentUser<Author>>) -> Html<&'static str> {
    Html(if user.is_some() { AUTHOR } else { STRANGER })
}

#[permission_required("blog.publish_post")] // a misspelt name does not compile
async fn publish(user: CurrentUser<Author>, Path(id): Path<i64>) -> String {
    format!("{} published post {id}", user.email)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = Auth::<Author>::builder().database("sqlite:blog.db?mode=rwc").build().await?;
    auth.migrate().await?; // tables, declared permissions, declared groups
    if let Some(email) = std::env::args().nth(1) {
        let author = auth.users().get_by_email(&email).await?.ok_or("nobody has registered with that address")?;
        return Ok(auth.users().add_to_group(&author.id, "editors").await.map(drop)?);
    }
    let app = auth
        .protected(Router::new().route("/posts/{id}/publish", post(publish))) // closed to strangers
        .route("/", get(home)) // public, and seen to be
        .merge(auth.routes()) // register, log in, log out, …; JSON, and plain forms for a browser
        .layer(auth.layer());
    let listener = TcpListener::bind(std::env::var("ADDRESS").unwrap_or("127.0.0.1:8000".into())).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
