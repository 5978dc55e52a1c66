//! Us, as the README's first program has it: a router closed to strangers, a guard on the handler, the layer around
//! everything. No setting is changed but room for the flood's logins: the driver sends `__Host-` cookies back over plain http, which no browser does.

use std::time::Duration;

use anyhow::Result;
use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::limits::{Backoff, Limiter, LoginLimiter};
use auth::prelude::*;
use auth::sessions::SessionBackend;
use auth::users::{InMemoryUserStore, UserStore as _};
use auth::web::authentication::BearerAuthentication;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};

use crate::app::{self, Users};

#[derive(User, Clone)]
#[user(table = "member", username = name)]
struct Member {
    id: i64,
    name: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    is_superuser: bool,
    groups: Vec<String>,
    user_permissions: Vec<String>,
}

impl Member {
    /// The hash is stored as it is: the bench's password is too short for the policy on new ones.
    fn of(user: &app::User, users: &Users) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            password_hash: PasswordHash::new(user.password.as_str()),
            last_login: None,
            is_active: true,
            is_superuser: false,
            groups: Vec::new(),
            user_permissions: users.permissions(user.id).into_iter().flatten().cloned().collect(),
        }
    }
}

#[permission_required("app3.change_model3")]
async fn protected() -> &'static str {
    app::ok().await
}

async fn login(auth: Auth<Member>, session: Session, Form(creds): Form<app::Credentials>) -> StatusCode {
    match auth.log_in(&session, AuthCredentials::password(creds.username, creds.password), &Origin::unknown()).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(AuthenticationError::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Err(AuthenticationError::InvalidCredentials) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Changes the session.
async fn visit(session: Session) -> StatusCode {
    match session.set("visited", Utc::now()) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Gives an access token, as text.
async fn token(auth: Auth<Member>, Form(creds): Form<app::Credentials>) -> Result<String, StatusCode> {
    let credentials = AuthCredentials::password(creds.username, creds.password);
    let result = auth.authentication().authenticate(credentials, &Origin::unknown()).await;
    let mut result = result.map_err(|_| StatusCode::UNAUTHORIZED)?;
    let pair = auth.issue_tokens(&mut result, None, None).await;
    Ok(pair.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.access_token.expose().to_owned())
}

async fn store(users: &Users) -> Result<InMemoryUserStore<Member>> {
    let store = InMemoryUserStore::<Member>::new();
    for id in 1.. {
        let Some(user) = users.get(id) else { break };
        store.create(Member::of(user, users)).await?;
    }
    Ok(store)
}

pub async fn router(users: Users, sessions: impl SessionBackend) -> Result<Router> {
    // All clients of a flood are one user at one address: so many tries at once need room, which is no default.
    let room = Backoff::new(99, 100, Duration::from_secs(60))?;
    let limiter = LoginLimiter::new(Limiter::in_memory()).by_account(room)?.by_account_and_source(room)?;
    let builder = Auth::<Member>::builder().users(store(&users).await?).session_backend(sessions);
    let auth = builder.login_limiter(limiter).build().await?;
    Ok(auth
        .protected(Router::new().route("/protected", get(protected)))
        .route("/login", post(login))
        .route("/visit", get(visit))
        .layer(auth.layer()))
}

/// For programs, which carry tokens.
pub async fn programs(users: Users) -> Result<Router> {
    let auth = Auth::<Member>::builder().users(store(&users).await?).build().await?;
    Ok(auth
        .protected(Router::new().route("/protected", get(protected)))
        .route("/login", post(token))
        .layer(auth.layer_by(BearerAuthentication)))
}
