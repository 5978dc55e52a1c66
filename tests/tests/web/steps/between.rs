//! What happens between the two steps.

use auth_tests::http::PASSWORD;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::{Member, Steps, me, password, totp};

const OTHER_PASSWORD: &str = "quilted-harbour-88-walnut";

#[tokio::test]
async fn another_password_voids_what_the_first_one_proved() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    let user = steps.site.user("alice").await;
    steps.site.auth.users().set_password(&user.id, OTHER_PASSWORD).await.unwrap();
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_user_who_was_disabled_does_not_come_in() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let (visitor, enabled_again) = (steps.waiting("alice").await, steps.waiting("alice").await);
    let mut user = steps.site.user("alice").await;
    user.is_active = false;
    steps.site.auth.users().update_columns(&user, &["is_active"]).await.unwrap();
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
    user.is_active = true;
    steps.site.auth.users().update_columns(&user, &["is_active"]).await.unwrap();
    assert_eq!(totp(&enabled_again, &steps.code(&app)).await.status, StatusCode::UNAUTHORIZED, "it begins anew");
}

#[tokio::test]
async fn a_factor_that_was_removed_proves_nothing() {
    let steps = Steps::start().await;
    let Member { visitor: alice, app, recovery_codes } = steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    let factors = alice.get("/factors").await.json()["factors"].as_array().unwrap().clone();
    let phone = factors.iter().find(|factor| factor["kind"] == "totp").unwrap()["id"].as_str().unwrap().to_owned();
    let removed = alice.post(&format!("/factors/{phone}/remove"), &json!({})).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    for body in [
        json!({ "factor": "totp", "code": steps.code(&app) }),
        json!({ "factor": "recovery_codes", "code": recovery_codes[0] }),
    ] {
        assert_eq!(visitor.post("/login/factor", &body).await.status, StatusCode::UNAUTHORIZED, "{body}");
    }
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
    assert_eq!(password(&visitor, "alice").await.status, StatusCode::OK, "from the start, a password is enough now");
}

#[tokio::test]
async fn a_logout_gives_the_login_up() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    let waiting = visitor.cookie().unwrap();
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    let code = steps.code(&app);
    assert_eq!(totp(&visitor, &code).await.status, StatusCode::UNAUTHORIZED);
    let other = steps.visitor();
    let request = other.request(Method::POST, "/login/factor").header("origin", &steps.address);
    let request = request.header("cookie", waiting).json(&json!({ "factor": "totp", "code": code }));
    assert_eq!(other.send(request).await.status, StatusCode::UNAUTHORIZED, "nor by the key of before");
}

#[tokio::test]
async fn another_login_takes_its_place() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    steps.site.create("bob", |_| ()).await;
    let visitor = steps.waiting("alice").await;
    let bob = password(&visitor, "bob").await;
    assert_eq!((bob.status, &bob.json()["username"]), (StatusCode::OK, &json!("bob")));
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.get("/maybe").await.text, "bob");

    // Who is logged in stays so until the other login is complete.
    assert_eq!(password(&visitor, "alice").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.get("/maybe").await.text, "bob");
    visitor.send(visitor.request(Method::POST, "/note").header("origin", &steps.address).body("bob's")).await;
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::OK);
    assert_eq!((visitor.get("/maybe").await.text, visitor.get("/note").await.text), ("alice".into(), String::new()));
}

#[tokio::test]
async fn the_newest_login_is_the_one_that_waits() {
    let steps = Steps::start().await;
    let alice = steps.member("alice").await;
    let bob = steps.member("bob").await;
    let visitor = steps.waiting("alice").await;
    let body = json!({ "username": "bob", "password": PASSWORD });
    assert_eq!(visitor.post("/login", &body).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(totp(&visitor, &steps.code(&alice.app)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(totp(&visitor, &steps.code(&bob.app)).await.json()["username"], "bob");
}
