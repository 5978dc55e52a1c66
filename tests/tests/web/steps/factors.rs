//! What users do with their own second factors, and who else may not.

use std::sync::{Arc, Mutex};

use auth::BoxFuture;
use auth::audit::{AuditError, AuditEvent, AuditSink, Origin};
use auth::mfa::{Totp, TotpConfig};
use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication};
use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Member, Steps, me, password, totp, wrong};
use crate::app;

/// What it is told of factors.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl AuditSink for Told {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        if event.action.name().starts_with("factor.") {
            let (_, kind) = event.action.details()[0];
            let text = format!("{} {kind} {:?}", event.action.name(), event.origin.actor);
            self.0.lock().unwrap().push(text);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

async fn factors(visitor: &Visitor) -> Vec<Value> {
    visitor.get("/factors").await.json()["factors"].as_array().unwrap().clone()
}

async fn id_of(visitor: &Visitor, kind: &str) -> String {
    let factors = factors(visitor).await;
    let found = factors.iter().find(|factor| factor["kind"] == kind).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_authenticator_app_is_in_force_after_its_first_code() {
    let told = Told::default();
    let steps = Steps::with(|builder| builder.audit_sink(told.clone())).await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    assert_eq!(visitor.get("/factors").await.json(), json!({ "factors": [], "recovery_codes": 0 }));
    assert_eq!(visitor.get("/two").await.status, StatusCode::UNAUTHORIZED);
    let begun = visitor.post("/factors/totp", &json!({})).await;
    assert_eq!(begun.header("cache-control"), Some("no-store"));
    let begun = begun.json();
    assert!(begun["url"].as_str().unwrap().starts_with("otpauth://totp/"), "{begun}");
    assert!(begun["qr_svg"].as_str().unwrap().contains("<svg"), "{begun}");
    let app = Totp::from_base32(begun["secret"].as_str().unwrap(), TotpConfig::default()).unwrap();
    let confirm = async |code: &str| {
        let body = json!({ "challenge": begun["challenge"], "code": code, "name": "Phone" });
        visitor.post("/factors/totp/confirm", &body).await
    };
    assert_eq!(confirm(&wrong(&app, &steps.site.clock)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(factors(&visitor).await.is_empty());
    assert_eq!(password(&steps.visitor(), "alice").await.status, StatusCode::OK, "nothing has changed");

    let before = visitor.cookie().unwrap();
    let added = confirm(&steps.code(&app)).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert_eq!(added.header("cache-control"), Some("no-store"));
    let added = added.json();
    assert_eq!((&added["factor"]["kind"], &added["factor"]["name"]), (&json!("totp"), &json!("Phone")));
    assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
    assert_ne!(visitor.cookie().unwrap(), before);
    assert_eq!(visitor.get("/two").await.status, StatusCode::OK, "the login has two factors now");
    assert_eq!(confirm(&steps.code(&app)).await.status, StatusCode::UNPROCESSABLE_ENTITY, "once");
    let listed = visitor.get("/factors").await;
    assert_eq!((factors(&visitor).await.len(), &listed.json()["recovery_codes"]), (2, &json!(10)));
    assert!(!listed.text.contains(begun["secret"].as_str().unwrap()));

    // A second one brings no other recovery codes.
    let (_, codes) = steps.enrol(&visitor).await;
    assert!(codes.is_empty());
    let actor = format!("{:?}", Some(steps.site.user("alice").await.id.to_string()));
    let expected = ["totp", "recovery_codes", "totp"].map(|kind| format!("factor.added {kind} {actor}"));
    assert_eq!(*told.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn the_page_shows_a_code_to_scan_and_leads_through() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let list = visitor.browse("/factors").await;
    assert!(list.text.contains("action=\"factors/totp\""), "{}", list.text);
    let begun = visitor.submit("/factors/totp", &[]).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    assert!(begun.text.contains("<svg") && !begun.text.contains("<?xml"), "{}", begun.text);
    assert!(
        begun.text.contains("<a href=\"otpauth://totp/") && begun.text.contains("href=\"/factors\""),
        "{}",
        begun.text
    );
    let policy = begun.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("img-src"));
    let part = |before: &str| begun.text.split(before).nth(1).unwrap().split(['"', '<']).next().unwrap();
    let app = Totp::from_base32(part("<code>"), TotpConfig::default()).unwrap();
    let challenge = part("name=\"challenge\" value=\"");
    let bad = wrong(&app, &steps.site.clock);
    let again = visitor.submit("/factors/totp/confirm", &[("challenge", challenge), ("code", &bad)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains(challenge), "{}", again.text);
    let code = steps.code(&app);
    let name = "<script>alert(1)</script>";
    let fields = [("challenge", challenge), ("code", code.as_str()), ("name", name)];
    let added = visitor.submit("/factors/totp/confirm", &fields).await;
    assert_eq!((added.status, added.text.matches("<code>").count()), (StatusCode::OK, 10), "{}", added.text);
    let list = visitor.browse("/factors").await.text;
    assert!(list.contains("&lt;script&gt;") && !list.contains("<script>"), "{list}");
    assert!(list.contains("Recovery codes left: 10") && list.contains("/remove"), "{list}");
}

#[tokio::test]
async fn a_change_ends_the_users_other_logins() {
    let steps = Steps::start().await;
    steps.site.create("bob", |_| ()).await;
    let bob = steps.visitor();
    assert_eq!(password(&bob, "bob").await.status, StatusCode::OK);
    let [alice, elsewhere] = [steps.visitor(), steps.visitor()];
    alice.join("alice").await;
    assert_eq!(password(&elsewhere, "alice").await.status, StatusCode::OK);
    let body = json!({ "username": "alice", "password": PASSWORD });
    let tokens = elsewhere.post("/token", &body).await.json();
    let programs = Visitor::new(
        &app::serve(app::router_by(&steps.site.auth, steps.site.auth.layer_by(BearerAuthentication))).await,
    );
    let by_token = async || {
        let request = programs.request(Method::GET, "/me").bearer_auth(tokens["access_token"].as_str().unwrap());
        programs.send(request).await.status
    };
    assert_eq!(by_token().await, StatusCode::OK);

    let (app, _) = steps.enrol(&alice).await;
    assert_eq!(
        (me(&alice).await, me(&elsewhere).await, me(&bob).await),
        (StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::OK)
    );
    assert_eq!(by_token().await, StatusCode::UNAUTHORIZED);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(elsewhere.post("/token/refresh", &refresh).await.status, StatusCode::UNAUTHORIZED);

    let elsewhere = steps.waiting("alice").await;
    assert_eq!(totp(&elsewhere, &steps.code(&app)).await.status, StatusCode::OK);
    let before = alice.cookie().unwrap();
    let id = id_of(&alice, "totp").await;
    assert_eq!(alice.post(&format!("/factors/{id}/remove"), &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!((me(&alice).await, me(&elsewhere).await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert_ne!(alice.cookie().unwrap(), before);
    assert!(factors(&alice).await.is_empty(), "the recovery codes went with it");
}

#[tokio::test]
async fn factors_are_renamed_and_recovery_codes_replaced() {
    let steps = Steps::start().await;
    let Member { visitor, recovery_codes, .. } = steps.member("alice").await;
    let id = id_of(&visitor, "totp").await;
    let rename = async |id: &str, name: Value| {
        visitor.post(&format!("/factors/{id}/rename"), &json!({ "name": name })).await.status
    };
    assert_eq!(rename(&id, json!("Tablet")).await, StatusCode::NO_CONTENT);
    assert_eq!(factors(&visitor).await[0]["name"], "Tablet");
    for bad in [json!(""), json!("x".repeat(65)), json!("a\nb"), json!(7)] {
        assert_eq!(rename(&id, bad).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let long = "x".repeat(300);
    for unknown in ["x", "%00", "..", long.as_str()] {
        assert_eq!(rename(unknown, json!("x")).await, StatusCode::NOT_FOUND, "{unknown}");
        let path = format!("/factors/{unknown}/remove");
        assert_eq!(visitor.post(&path, &json!({})).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    let made = visitor.post("/factors/recovery-codes", &json!({})).await;
    assert_eq!((made.status, made.header("cache-control")), (StatusCode::OK, Some("no-store")));
    let made = made.json()["recovery_codes"].as_array().unwrap().clone();
    let by = async |code: &str| {
        let visitor = steps.waiting("alice").await;
        visitor.post("/login/factor", &json!({ "factor": "recovery_codes", "code": code })).await.status
    };
    assert_eq!(by(&recovery_codes[0]).await, StatusCode::UNAUTHORIZED, "void");
    assert_eq!(by(made[0].as_str().unwrap()).await, StatusCode::OK);
}

#[tokio::test]
async fn recovery_codes_alone_are_none() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let refused = visitor.post("/factors/recovery-codes", &json!({})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(password(&steps.visitor(), "alice").await.status, StatusCode::OK);
}

#[tokio::test]
async fn changes_want_a_recent_login() {
    let steps = Steps::start().await;
    let Member { visitor, app, .. } = steps.member("alice").await;
    let id = id_of(&visitor, "totp").await;
    let begun = visitor.post("/factors/totp", &json!({})).await.json();
    steps.site.clock.advance(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    let changes = [
        ("/factors/totp".to_owned(), json!({})),
        ("/factors/totp/confirm".to_owned(), json!({ "challenge": begun["challenge"], "code": "123456" })),
        ("/factors/recovery-codes".to_owned(), json!({})),
        (format!("/factors/{id}/rename"), json!({ "name": "x" })),
        (format!("/factors/{id}/remove"), json!({})),
    ];
    for (path, body) in &changes {
        let refused = visitor.post(path, body).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!((&refused.json()["step_up"], &refused.json()["max_age"]), (&json!("reauthenticate"), &json!(300)));
        let fields: Vec<_> =
            body.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let page = visitor.submit(path, &fields).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, Some("/reauthenticate?next=/factors")));
    }
    assert_eq!(factors(&visitor).await.len(), 2, "the list may be seen");
    visitor.post("/reauthenticate", &json!({ "password": PASSWORD })).await;
    assert_eq!(visitor.post("/factors/recovery-codes", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(totp(&visitor, &steps.code(&app)).await.status, StatusCode::OK);
    assert_eq!(visitor.post("/factors/recovery-codes", &json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_acts_for_a_user_sees_and_changes_nothing() {
    let steps = Steps::start().await;
    let auth = &steps.site.auth;
    auth.migrate().await.unwrap();
    let user = steps.site.create("alice", |_| ()).await;
    let created = auth.api_keys().create(&user.id.to_string(), "script", &["blog.add_post"], None).await;
    let (_, key) = created.unwrap();
    let body = |scope: &str| json!({ "username": "alice", "password": PASSWORD, "scope": scope });
    let scoped = steps.visitor().post("/token", &body("blog.add_post")).await.json();
    let layer = auth.layer_by(BearerAuthentication).or(ApiKeyAuthentication);
    let visitor = Visitor::new(&app::serve(auth.factor_routes().layer(layer)).await);
    let begin = || visitor.request(Method::POST, "/factors/totp");
    let list = || visitor.request(Method::GET, "/factors");
    let by_key = |request: RequestBuilder| request.header("x-api-key", key.expose());
    let by_scope = |request: RequestBuilder| request.bearer_auth(scoped["access_token"].as_str().unwrap());
    for request in [by_key(begin()), by_scope(begin()), by_key(list()), by_scope(list())] {
        let refused = visitor.send(request).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    }
    // A token of the user in person, of a login that is recent, does.
    let full = steps.visitor().post("/token", &json!({ "username": "alice", "password": PASSWORD })).await.json();
    let access = full["access_token"].as_str().unwrap();
    let answer = visitor.send(begin().bearer_auth(access)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    steps.site.clock.advance(TimeDelta::seconds(301));
    assert_eq!(visitor.send(begin().bearer_auth(access)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_factor_is_changed_by_its_owner_only() {
    let steps = Steps::start().await;
    let Member { visitor: alice, .. } = steps.member("alice").await;
    let Member { visitor: mallory, .. } = steps.member("mallory").await;
    let id = id_of(&alice, "totp").await;
    assert_eq!(mallory.post(&format!("/factors/{id}/remove"), &json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        mallory.post(&format!("/factors/{id}/rename"), &json!({ "name": "x" })).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(factors(&alice).await[0]["name"], "Phone");
    // What one begins, another session does not end.
    let begun = alice.post("/factors/totp", &json!({})).await.json();
    let app = Totp::from_base32(begun["secret"].as_str().unwrap(), TotpConfig::default()).unwrap();
    let body = json!({ "challenge": begun["challenge"], "code": steps.code(&app) });
    assert_eq!(mallory.post("/factors/totp/confirm", &body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(factors(&mallory).await.len(), 2);
}

#[tokio::test]
async fn an_administrator_resets_them() {
    let told = Told::default();
    let steps = Steps::with(|builder| builder.audit_sink(told.clone())).await;
    let Member { visitor, .. } = steps.member("alice").await;
    let user = steps.site.user("alice").await;
    told.0.lock().unwrap().clear();
    let origin = Origin::unknown().by("admin");
    assert_eq!(steps.site.auth.reset_factors(&user.id.to_string(), &origin).await.unwrap(), 2);
    assert_eq!(steps.site.auth.reset_factors(&user.id.to_string(), &origin).await.unwrap(), 0);
    assert_eq!(*told.0.lock().unwrap(), ["factor.removed all Some(\"admin\")"]);
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
    assert_eq!(password(&visitor, "alice").await.status, StatusCode::OK);
}
