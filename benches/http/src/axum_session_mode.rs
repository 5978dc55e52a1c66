//! axum_session with axum_session_auth, sessions in memory.

use std::sync::OnceLock;

use anyhow::Result;
use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};
use axum_session_auth::{Auth, AuthConfig, AuthSession, AuthSessionLayer, Authentication, HasPermission, Rights};

use crate::app::{Credentials, PERMISSION, User, Users};

/// `load_user` is told nothing but the id and a database pool.
static USERS: OnceLock<Users> = OnceLock::new();

type Session = AuthSession<User, i64, SessionNullPool, ()>;

#[async_trait]
impl Authentication<User, i64, ()> for User {
    async fn load_user(id: i64, _pool: Option<&()>) -> Result<User> {
        let users = USERS.get().expect("set before the server starts");
        users.get(id).cloned().ok_or_else(|| anyhow::anyhow!("no such user"))
    }

    fn is_authenticated(&self) -> bool {
        true
    }

    fn is_active(&self) -> bool {
        true
    }

    fn is_anonymous(&self) -> bool {
        false
    }
}

#[async_trait]
impl HasPermission<()> for User {
    async fn has(&self, permission: &str, _pool: &Option<&()>) -> bool {
        let users = USERS.get().expect("set before the server starts");
        users.permissions(self.id).is_some_and(|p| p.contains(permission))
    }
}

async fn protected(method: Method, auth: Session) -> Result<&'static str, StatusCode> {
    let user = auth.current_user.as_ref().ok_or(StatusCode::UNAUTHORIZED)?;
    let allowed = Auth::<User, i64, ()>::build([Method::GET], true)
        .requires(Rights::any([Rights::permission(PERMISSION)]))
        .validate(user, &method, None)
        .await;
    if allowed { Ok("ok") } else { Err(StatusCode::FORBIDDEN) }
}

async fn login(Extension(users): Extension<Users>, auth: Session, Form(creds): Form<Credentials>) -> StatusCode {
    match users.authenticate(creds).await {
        Some(user) => {
            auth.login_user(user.id);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::UNAUTHORIZED,
    }
}

pub async fn router(users: Users) -> Result<Router> {
    USERS.set(users.clone()).ok();
    let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default()).await?;
    let auth = AuthSessionLayer::<User, i64, SessionNullPool, ()>::new(None).with_config(AuthConfig::default());
    Ok(Router::new()
        .route("/protected", get(protected))
        .route("/login", post(login))
        .layer(Extension(users))
        .layer(auth)
        .layer(SessionLayer::new(store)))
}
