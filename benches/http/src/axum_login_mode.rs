//! axum-login over any tower-sessions store, as its documentation shows it.

use std::collections::HashSet;
use std::convert::Infallible;

use axum::{
    Form, Router,
    http::StatusCode,
    routing::{get, post},
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend, UserId, login_required,
    permission_required,
};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

use crate::app::{self, Credentials, User, Users};

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, creds: Credentials) -> Result<Option<User>, Infallible> {
        Ok(Users::authenticate(self, creds).await)
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.get(*id).cloned())
    }
}

impl AuthzBackend for Users {
    type Permission = String;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<String>, Infallible> {
        Ok(self.permissions(user.id).cloned().unwrap_or_default())
    }
}

async fn login(mut auth: AuthSession<Users>, Form(creds): Form<Credentials>) -> StatusCode {
    match auth.authenticate(creds).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        },
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// Changes the session.
async fn visit(session: Session) -> StatusCode {
    match session.insert("visited", time::OffsetDateTime::now_utc()).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub fn router(users: Users, store: impl SessionStore + Clone) -> Router {
    let sessions = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(time::Duration::days(1)));
    Router::new()
        .route("/protected", get(app::ok))
        .route_layer(permission_required!(Users, app::PERMISSION))
        .route_layer(login_required!(Users))
        .route("/login", post(login))
        .route("/visit", get(visit))
        .layer(AuthManagerLayerBuilder::new(users, sessions).build())
}
