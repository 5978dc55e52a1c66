//! The routes by which users see and unlink their accounts at other providers.

use auth::records::{NewRecord, RecordKind};
use auth::web::authentication::ApiKeyAuthentication;
use auth_tests::http::{Answer, Visitor};
use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::fake::Fake;
use super::site::{Site, assert_logged_in, log_in, who};

async fn identities(visitor: &Visitor) -> Vec<Value> {
    visitor.get("/identities").await.json()["identities"].as_array().unwrap().clone()
}

async fn link(visitor: &Visitor, fake: &Fake, provider: &str) {
    let begun = visitor.post(&format!("/link/{provider}"), &json!({ "next": "/welcome" })).await.json();
    assert_logged_in(&visitor.browse(&fake.approve(begun["location"].as_str().unwrap())).await);
}

async fn unlink(visitor: &Visitor, identity: &Value) -> Answer {
    let path = format!("/identities/{}/unlink", identity["id"].as_str().unwrap());
    visitor.post(&path, &json!({})).await
}

fn goes_to(answer: &Answer, location: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(location)), "{}", answer.text);
}

#[tokio::test]
async fn users_see_and_unlink_their_own() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let (alice, _) = site.member("alice").await;
    link(&alice, &fake, "id").await;
    let listed = alice.get("/identities").await;
    assert_eq!((listed.status, listed.header("cache-control")), (StatusCode::OK, Some("no-store")));
    let body = listed.json();
    let expected = json!({
        "id": body["identities"][0]["id"],
        "provider": "id",
        "issuer": fake.address,
        "username": "jane",
        "email": "jane@example.org",
        "linked_at": body["identities"][0]["linked_at"],
    });
    assert_eq!(body["identities"], json!([expected]));
    let providers = body["providers"].as_array().unwrap();
    assert!(["github", "google", "id"].iter().all(|provider| providers.contains(&json!(provider))), "{providers:?}");
    assert!(!listed.text.contains("248289761001"), "the subject is nobody's matter");

    let (bob, _) = site.member("bob").await;
    assert!(identities(&bob).await.is_empty());
    assert_eq!(unlink(&bob, &expected).await.status, StatusCode::NOT_FOUND);
    let forged = alice.request(Method::POST, &format!("/identities/{}/unlink", expected["id"].as_str().unwrap()));
    for refused in [
        forged.try_clone().unwrap().header("origin", "https://evil.example").json(&json!({})),
        forged.form(&[("a", "b")]),
    ] {
        assert_eq!(alice.send(refused).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(identities(&alice).await.len(), 1);
    assert_eq!(unlink(&alice, &expected).await.status, StatusCode::NO_CONTENT);
    assert_eq!(unlink(&alice, &expected).await.status, StatusCode::NOT_FOUND);
    assert!(identities(&alice).await.is_empty());
    let elsewhere = site.visitor();
    assert_logged_in(&log_in(&elsewhere, &fake, "id").await);
    assert_eq!(who(&elsewhere).await.as_deref(), Some("jane"), "it is nobody's here any more");
}

#[tokio::test]
async fn people_have_a_page_for_it() {
    let fake = Fake::start().await;
    fake.told().claims = json!({ "preferred_username": "<script>alert(1)</script>" });
    let site = Site::start(&fake).await;
    goes_to(&site.visitor().browse("/identities").await, "/login?next=/identities");
    let (alice, _) = site.member("alice").await;
    let page = alice.browse("/identities?next=//evil.example").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !page.text.contains("evil"), "{}", page.text);
    // The page's own form, and back to the page.
    assert!(page.text.contains("action=\"link/id\"") && page.text.contains("value=\"/identities\""), "{}", page.text);
    let on = alice.submit("/link/id", &[("next", "/identities")]).await;
    let url = on.text.split_once("0;url=").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
    goes_to(&alice.browse(&fake.approve(&url)).await, "/identities");
    let page = alice.browse("/identities?next=/a").await.text;
    assert!(page.contains("as &lt;script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("value=\"/a\"") && page.contains("href=\"/a\""), "{page}");
    let action = page.split("action=\"identities/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/identities/{action}");
    goes_to(&alice.submit(&path, &[("next", "/a")]).await, "/identities?next=/a");
    let none = alice.submit(&path, &[]).await;
    assert!(none.status == StatusCode::NOT_FOUND && none.text.contains("href=\"/identities\""), "{}", none.text);
}

#[tokio::test]
async fn changes_want_a_recent_login_in_person() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let (alice, user) = site.member("alice").await;
    link(&alice, &fake, "id").await;
    let listed = identities(&alice).await;
    fake.clock.advance(TimeDelta::seconds(301));
    let unlink_path = format!("/identities/{}/unlink", listed[0]["id"].as_str().unwrap());
    for path in [&*unlink_path, "/link/github"] {
        let late = alice.post(path, &json!({})).await;
        assert_eq!((late.status, &late.json()["step_up"]), (StatusCode::UNAUTHORIZED, &json!("reauthenticate")));
        goes_to(&alice.submit(path, &[]).await, "/reauthenticate?next=/identities");
        goes_to(&alice.submit(path, &[("next", "/a")]).await, "/reauthenticate?next=/identities%3Fnext%3D/a");
        assert_eq!(site.visitor().post(path, &json!({})).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(identities(&alice).await, listed, "the list may be seen");

    let (_, key) = site.auth.api_keys().create(&user.id.to_string(), "ci", &[], None).await.unwrap();
    let routes = site.auth.provider_routes().layer(site.auth.layer_by(ApiKeyAuthentication));
    let program = Visitor::new(&super::site::serve(routes).await);
    for (method, path) in [(Method::GET, "/identities"), (Method::POST, &unlink_path), (Method::POST, "/link/github")] {
        let answer = program.send(program.request(method, path).header("x-api-key", key.expose())).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text);
    }
    assert_eq!(identities(&alice).await, listed);
}

#[tokio::test]
async fn the_last_way_in_is_kept() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let jane = site.visitor();
    assert_logged_in(&log_in(&jane, &fake, "id").await);
    let first = identities(&jane).await.remove(0);
    let refused = unlink(&jane, &first).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let page = jane.submit(&format!("/identities/{}/unlink", first["id"].as_str().unwrap()), &[]).await;
    assert!(page.status == StatusCode::CONFLICT && page.text.contains("set a password"), "{}", page.text);
    // One at a provider that the application no longer knows lets nobody in.
    let value = json!({ "provider": "gone", "issuer": "https://gone.example", "subject": "7", "email": null,
                        "username": null, "linked_at": Utc::now() });
    let owner = Some(site.user("jane").await.unwrap().id.to_string());
    let record = NewRecord { owner, value: value.to_string().into(), expires_at: Utc::now() + TimeDelta::days(9999) };
    assert!(site.auth.records().insert(RecordKind::new("oauth_identity"), "gone", record).await.unwrap());
    assert_eq!(unlink(&jane, &first).await.status, StatusCode::CONFLICT);
    assert_eq!(identities(&jane).await.len(), 2);
    link(&jane, &fake, "github").await;
    assert_eq!(unlink(&jane, &first).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_link_leads_on_within_this_site() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let (alice, _) = site.member("alice").await;
    for (query, field, end) in [
        ("?next=/welcome", json!({}), "/welcome"),
        ("?next=/welcome", json!({ "next": "/field" }), "/field"),
        ("", json!({ "next": "https://evil.example" }), "/"),
        ("?next=//evil.example", json!({}), "/"),
    ] {
        let begun = alice.post(&format!("/link/github{query}"), &field).await.json();
        goes_to(&alice.browse(&fake.approve(begun["location"].as_str().unwrap())).await, end);
    }
    // Begun by a handler of the application's own, which believed its visitor.
    let visitor = site.visitor();
    let url = visitor.browse("/begin-anywhere").await.text;
    goes_to(&visitor.browse(&fake.approve(&url)).await, "/");
    assert_eq!(who(&visitor).await.as_deref(), Some("alice"));
}
