//! Bare axum with jsonwebtoken (HS256, aws_lc_rs) in an extractor.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{FromRequestParts, State};
use axum::http::{StatusCode, header::AUTHORIZATION, request::Parts};
use axum::routing::{get, post};
use axum::{Form, Router};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, crypto::aws_lc};
use serde::{Deserialize, Serialize};

use crate::app::{Credentials, PERMISSION, Users};

#[derive(Clone)]
struct Jwt {
    users: Users,
    sign: EncodingKey,
    keys: Arc<(DecodingKey, Validation)>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    perms: Vec<String>,
}

impl FromRequestParts<Jwt> for Claims {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, jwt: &Jwt) -> Result<Self, StatusCode> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or(StatusCode::UNAUTHORIZED)?;
        let (key, rules) = &*jwt.keys;
        let data = jsonwebtoken::decode(token, key, rules).map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(data.claims)
    }
}

async fn protected(claims: Claims) -> Result<&'static str, StatusCode> {
    match claims.perms.iter().any(|p| p == PERMISSION) {
        true => Ok("ok"),
        false => Err(StatusCode::FORBIDDEN),
    }
}

/// Answers with the token as the body.
async fn login(State(jwt): State<Jwt>, Form(creds): Form<Credentials>) -> Result<String, StatusCode> {
    let user = jwt.users.authenticate(creds).await.ok_or(StatusCode::UNAUTHORIZED)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // A token cannot carry twenty permissions comfortably; five is usual.
    let mut perms: Vec<_> = jwt.users.permissions(user.id).unwrap().iter().cloned().collect();
    perms.retain(|p| p != PERMISSION);
    perms.truncate(4);
    perms.push(PERMISSION.into());
    let claims = Claims { sub: user.id.to_string(), exp: now + 86_400, perms };
    Ok(jsonwebtoken::encode(&Header::default(), &claims, &jwt.sign).unwrap())
}

pub fn router(users: Users) -> Router {
    aws_lc::DEFAULT_PROVIDER.install_default().expect("no other provider is installed");
    let secret = [7; 32];
    let keys = Arc::new((DecodingKey::from_secret(&secret), Validation::default()));
    Router::new().route("/protected", get(protected)).route("/login", post(login)).with_state(Jwt {
        users,
        sign: EncodingKey::from_secret(&secret),
        keys,
    })
}
