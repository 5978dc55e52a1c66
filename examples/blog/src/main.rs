//! What an application grows into: posts that belong to authors, a policy for single posts, groups, and a service that
//! cannot be called without a check.
//!
//! `cargo run -p blog`, then `curl` the address it prints; the routes stand in [`app`].

use std::net::SocketAddr;

use auth::prelude::*;

mod app;
mod posts;
mod service;

/// The words of this application.
mod permissions {
    auth::permissions! {
        blog {
            model Post;
            publish_post: "Can publish posts";
        }
    }
    auth::groups! {
        writers: "Writers" => [blog::add_post, blog::change_post, blog::view_post];
        editors: "Editors" => [blog::add_post, blog::change_post, blog::view_post, blog::publish_post];
    }
}

/// Whoever writes here.
#[derive(User, Clone, Debug)]
#[user(table = "author")]
struct Author {
    id: i64,
    username: String,
    #[user(editable)]
    email: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    is_staff: bool,
    is_superuser: bool,
    groups: Vec<String>,
    user_permissions: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = Auth::<Author>::builder().database("sqlite:blog-example.db?mode=rwc").build().await?;
    auth.migrate().await?;
    if let [username, group] = &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        let user = auth.users().get_by_username(username).await?.ok_or("there is no such user")?;
        auth.users().add_to_group(&user.id, group).await?;
        println!("{username} is in the group {group} now");
        return Ok(());
    }
    let address = std::env::var("ADDRESS").unwrap_or("127.0.0.1:8000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let app = app::router(&auth).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}
