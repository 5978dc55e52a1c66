//! Proving again who one is.

use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;

use super::{Member, Steps, me, totp};

async fn reauthenticate(visitor: &Visitor, password: &str) -> StatusCode {
    visitor.post("/reauthenticate", &json!({ "password": password })).await.status
}

#[tokio::test]
async fn a_password_renews_a_login() {
    let steps = Steps::start().await;
    steps.site.create("alice", |_| ()).await;
    let visitor = steps.visitor();
    assert_eq!(super::password(&visitor, "alice").await.status, StatusCode::OK);
    visitor.send(visitor.request(Method::POST, "/note").header("origin", &steps.address).body("kept")).await;
    assert_eq!(visitor.get("/recent").await.status, StatusCode::OK);
    steps.site.clock.advance(TimeDelta::minutes(6));
    let refused = visitor.get("/recent").await;
    assert_eq!((refused.status, &refused.json()["step_up"]), (StatusCode::UNAUTHORIZED, &json!("reauthenticate")));
    let page = visitor.browse("/recent").await;
    assert_eq!(page.location(), Some("/reauthenticate?next=/recent"));
    let page = visitor.browse("/reauthenticate?next=/recent").await;
    assert!(page.status == StatusCode::OK && page.text.contains("value=\"/recent\""), "{}", page.text);

    let before = visitor.cookie().unwrap();
    assert_eq!(reauthenticate(&visitor, "wrong").await, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&visitor).await, StatusCode::OK, "still logged in, as before");
    assert_eq!(visitor.get("/recent").await.status, StatusCode::UNAUTHORIZED);
    let done = visitor.submit("/reauthenticate", &[("password", PASSWORD), ("next", "/recent")]).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some("/recent")));
    assert_eq!(visitor.get("/recent").await.status, StatusCode::OK);
    assert_eq!(visitor.get("/note").await.text, "kept");
    let old = steps.visitor();
    let request = old.request(Method::GET, "/me").header("cookie", &before);
    assert_ne!(visitor.cookie().unwrap(), before);
    assert_eq!(old.send(request).await.status, StatusCode::UNAUTHORIZED, "the key of before is dead");
}

#[tokio::test]
async fn it_takes_both_factors() {
    let steps = Steps::start().await;
    let Member { visitor, app, .. } = steps.member("alice").await;
    steps.site.clock.advance(TimeDelta::minutes(6));
    assert_eq!(reauthenticate(&visitor, PASSWORD).await, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.get("/recent").await.status, StatusCode::UNAUTHORIZED, "half of it is nothing");
    assert_eq!((me(&visitor).await, visitor.get("/two").await.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::OK);
    assert_eq!(visitor.get("/recent").await.status, StatusCode::OK);
    assert_eq!(visitor.get("/two").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_the_same_user_renews_a_login() {
    let steps = Steps::start().await;
    steps.site.create("alice", |_| ()).await;
    steps.site.create("bob", |_| ()).await;
    steps.member("carol").await;
    let (auth, session, origin) = (&steps.site.auth, steps.site.auth.new_session(), Origin::unknown());
    auth.log_in(&session, AuthCredentials::password("alice", PASSWORD), &origin).await.unwrap();
    let key = session.key();
    for other in ["bob", "carol"] {
        let outcome = auth.reauthenticate(&session, AuthCredentials::password(other, PASSWORD), &origin).await;
        assert!(matches!(outcome, Err(AuthenticationError::InvalidCredentials)), "{outcome:?}");
        assert!(auth.pending_login(&session).await.unwrap().is_none(), "and nobody waits");
    }
    assert_eq!(session.key(), key);
    assert_eq!(auth.resume(key).await.unwrap().1.unwrap().username(), "alice");
    let nobody = auth.new_session();
    let outcome = auth.reauthenticate(&nobody, AuthCredentials::password("alice", PASSWORD), &origin).await;
    assert!(matches!(outcome, Err(AuthenticationError::SessionExpired)), "{outcome:?}");
}

#[tokio::test]
async fn a_stranger_has_nothing_to_renew() {
    let steps = Steps::start().await;
    steps.site.create("alice", |_| ()).await;
    let visitor = steps.visitor();
    assert_eq!(reauthenticate(&visitor, PASSWORD).await, StatusCode::UNAUTHORIZED);
    let page = visitor.browse("/reauthenticate").await;
    assert_eq!(page.location(), Some("/login?next=/reauthenticate"));
}
