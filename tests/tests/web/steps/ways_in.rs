//! Every way in, and none around the second factor.

use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::mfa::{FactorProof, Totp, TotpConfig};
use auth::web::authentication::{BearerAuthentication, HttpBasicAuth};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use base64ct::{Base64, Encoding as _};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Member, Steps, password, wrong};
use crate::app::{router_by, serve};
use crate::service::{GitForge, of_forge};

/// Sends JSON as a program does, without saying where it comes from.
async fn token(visitor: &Visitor, body: &Value) -> Answer {
    visitor.send(visitor.request(Method::POST, "/token").json(body)).await
}

async fn held(visitor: &Visitor) -> String {
    let first = token(visitor, &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(first.status, StatusCode::FORBIDDEN, "{}", first.text);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(first.header("set-cookie"), None);
    let body = first.json();
    assert_eq!((&body["error"], &body["factors"]), (&json!("mfa_required"), &json!(["totp", "recovery_codes"])));
    assert!(body.get("access_token").is_none() && body.get("refresh_token").is_none());
    body["mfa_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_are_issued_after_the_second_step() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    let mfa_token = held(&visitor).await;
    let bad = json!({ "mfa_token": mfa_token, "factor": "totp", "code": wrong(&app, &steps.site.clock) });
    assert_eq!(token(&visitor, &bad).await.status, StatusCode::UNAUTHORIZED);
    let code = steps.code(&app);
    let body = json!({ "mfa_token": mfa_token, "factor": "totp", "code": code, "scope": "blog.publish_post" });
    let pair = token(&visitor, &body).await;
    assert_eq!((pair.status, &pair.json()["scope"]), (StatusCode::OK, &json!("blog.publish_post")), "{}", pair.text);
    let again = json!({ "mfa_token": mfa_token, "factor": "totp", "code": steps.code(&app) });
    assert_eq!(token(&visitor, &again).await.status, StatusCode::UNAUTHORIZED, "once");

    // The token knows of both factors.
    let body = json!({ "mfa_token": held(&visitor).await, "factor": "totp", "code": steps.code(&app) });
    let access = token(&visitor, &body).await.json()["access_token"].as_str().unwrap().to_owned();
    let programs =
        Visitor::new(&serve(router_by(&steps.site.auth, steps.site.auth.layer_by(BearerAuthentication))).await);
    let me = programs.request(Method::GET, "/me").bearer_auth(&access);
    assert_eq!(programs.send(me).await.status, StatusCode::OK);
    let result =
        steps.site.auth.authentication().authenticate(AuthCredentials::token(access), &Origin::unknown()).await;
    assert!(result.unwrap().principal().is_multi_factor());
}

#[tokio::test]
async fn a_token_for_the_second_step_is_none_for_anything_else() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    let mfa_token = held(&visitor).await;
    let layer = steps.site.auth.layer_by(BearerAuthentication);
    let programs = Visitor::new(&serve(router_by(&steps.site.auth, layer)).await);
    let me = programs.request(Method::GET, "/me").bearer_auth(&mfa_token);
    assert_eq!(programs.send(me).await.status, StatusCode::UNAUTHORIZED);
    let refresh = visitor.request(Method::POST, "/token/refresh").json(&json!({ "refresh_token": mfa_token }));
    assert_eq!(visitor.send(refresh).await.status, StatusCode::UNAUTHORIZED);
    // Other texts, other tokens, and one that is late.
    for other in ["", "x", &mfa_token[1..], &mfa_token.replace("auth_login", "auth_refresh")] {
        let body = json!({ "mfa_token": other, "factor": "totp", "code": steps.code(&app) });
        assert_eq!(token(&visitor, &body).await.status, StatusCode::UNAUTHORIZED, "{other}");
    }
    let body = json!({ "mfa_token": 5, "username": "alice", "password": PASSWORD });
    assert_eq!(token(&visitor, &body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    steps.site.clock.advance(TimeDelta::minutes(10));
    let body = json!({ "mfa_token": mfa_token, "factor": "totp", "code": steps.code(&app) });
    assert_eq!(token(&visitor, &body).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn basic_credentials_have_no_second_step_and_are_refused() {
    let steps = Steps::start().await;
    steps.member("alice").await;
    steps.site.create("bob", |_| ()).await;
    let layer = steps.site.auth.layer_by(HttpBasicAuth::new("the blog").unwrap());
    let visitor = Visitor::new(&serve(router_by(&steps.site.auth, layer)).await);
    let get = async |name: &str| {
        let credentials = Base64::encode_string(format!("{name}:{PASSWORD}").as_bytes());
        let request = visitor.request(Method::GET, "/me").header("authorization", format!("Basic {credentials}"));
        visitor.send(request).await
    };
    assert_eq!(get("bob").await.status, StatusCode::OK);
    let refused = get("alice").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic "));
    assert_eq!(refused.header("set-cookie"), None, "no login waits");
    assert_eq!(refused.json()["detail"], "A second factor is required.");
}

#[tokio::test]
async fn a_provider_is_one_factor() {
    let steps = Steps::start().await;
    let auth = &steps.site.auth;
    auth.authentication().register_provider(GitForge);
    let (session, origin) = (auth.new_session(), Origin::unknown());
    let first = auth.log_in(&session, of_forge("good"), &origin).await.unwrap();
    assert!(!first.principal().is_multi_factor());
    let added = auth.mfa().register_user(first.principal().id(), "here", "carol").await.unwrap();
    let app = Totp::from_base32(added.secret.expose(), TotpConfig::default()).unwrap();
    let (id, code) = (first.principal().id(), steps.code(&app));
    assert!(auth.mfa().confirm_totp(id, "here", &added.challenge, &code, "Phone").await.unwrap().is_some());

    let session = auth.new_session();
    let outcome = auth.log_in(&session, of_forge("good"), &origin).await;
    assert!(matches!(outcome, Err(AuthenticationError::SecondFactorRequired(_))));
    let (_, nobody) = auth.resume(session.key()).await.unwrap();
    assert!(nobody.is_none());
    assert!(auth.pending_login(&session).await.unwrap().is_some());
    let proof = FactorProof::totp(steps.code(&app));
    let result = auth.log_in_with_factor(&session, &proof, &origin).await.unwrap();
    assert!(result.principal().is_multi_factor());
    assert!(auth.resume(session.key()).await.unwrap().1.unwrap().is_multi_factor());
}

#[tokio::test]
async fn the_word_of_the_application_is_one_factor() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let (auth, user) = (&steps.site.auth, steps.site.user("alice").await);
    let session = auth.new_session();
    let outcome = auth.log_in_user(&session, &user.id).await;
    assert!(matches!(outcome, Err(AuthenticationError::SecondFactorRequired(_))));
    assert!(auth.resume(session.key()).await.unwrap().1.is_none());
    let proof = FactorProof::totp(steps.code(&app));
    auth.log_in_with_factor(&session, &proof, &Origin::unknown()).await.unwrap();
    assert!(auth.resume(session.key()).await.unwrap().1.is_some());
}

#[tokio::test]
async fn a_password_that_was_right_tells_of_no_login() {
    let steps = Steps::start().await;
    let Member { visitor: alice, .. } = steps.member("alice").await;
    let before = steps.site.user("alice").await.last_login;
    steps.site.clock.advance(TimeDelta::minutes(1));
    let first = password(&steps.visitor(), "alice").await;
    assert_eq!(steps.site.user("alice").await.last_login, before);
    let mut cookies = first.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    assert!(cookies.all(|cookie| !cookie.contains("-device=")), "nor is the device known: {first:?}");
    assert_eq!(password(&alice, "alice").await.status, StatusCode::UNAUTHORIZED, "who is logged in proves both again");
}

/// What handlers of one's own return says what is the matter, and never looks like a success.
#[test]
fn refused_changes_are_answers() {
    use auth::accounts::{Error, FactorError};
    use auth::mfa::MfaError;
    use auth::oauth2::provider::{OAuth2Error, OAuth2ErrorCode};
    use axum::response::IntoResponse as _;

    let factor = |error: MfaError| FactorError::Failed(Error::from(error)).into_response().status();
    assert_eq!(factor(MfaError::Invalid("a name has 1 to 64 characters")), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(factor(MfaError::TooMany { max: 20 }), StatusCode::CONFLICT);
    assert_eq!(factor(MfaError::Contended), StatusCode::SERVICE_UNAVAILABLE);
    let refused = OAuth2Error::Refused { code: OAuth2ErrorCode::InvalidScope, description: "there is no such scope" };
    assert_eq!(refused.into_response().status(), StatusCode::BAD_REQUEST);
    assert_eq!(OAuth2Error::Contended.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
}
