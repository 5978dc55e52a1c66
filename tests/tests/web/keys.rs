//! API keys over HTTP: never more than their scopes, never more than their owner holds now, revoked at once.

use auth::web::authentication::ApiKeyAuthentication;
use auth_tests::http::{Answer, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;

use crate::app::{Author, PublishPost, Site, router_by, serve};

struct Keys {
    site: Site,
    visitor: Visitor,
    owner: Author,
}

async fn keys() -> Keys {
    let site = Site::with(|builder| builder.api_key_prefix("blog")).await;
    let owner = site.create("alice", |_| {}).await;
    let visitor = Visitor::new(&serve(router_by(&site.auth, site.auth.layer_by(ApiKeyAuthentication))).await);
    Keys { site, visitor, owner }
}

impl Keys {
    async fn create(&self, scopes: &[&str]) -> (String, String) {
        let made = self.site.auth.api_keys().create(&self.owner.id.to_string(), "backup", scopes, None).await;
        let (key, shown_once) = made.unwrap();
        (key.id, shown_once.expose().to_owned())
    }

    async fn get(&self, path: &str, key: &str) -> Answer {
        self.visitor.send(self.visitor.request(Method::GET, path).header("x-api-key", key)).await
    }

    async fn publish(&self, key: &str) -> StatusCode {
        // Not a browser's: no cross-site rule has a say.
        let request = self.visitor.request(Method::POST, "/publish").header("sec-fetch-site", "cross-site");
        self.visitor.send(request.header("authorization", format!("ApiKey {key}"))).await.status
    }
}

#[tokio::test]
async fn a_key_permits_what_its_scopes_and_its_owner_do() {
    let keys = keys().await;
    let (_, publisher) = keys.create(&["blog.publish_post"]).await;
    let (_, reader) = keys.create(&["blog.view_post"]).await;
    assert!(publisher.starts_with("blog_"));
    assert_eq!(keys.get("/me", &publisher).await.json()["username"], "alice");
    assert_eq!(keys.publish(&publisher).await, StatusCode::FORBIDDEN, "its owner may not");
    let users = keys.site.auth.users();
    users.grant::<PublishPost>(&keys.owner.id).await.unwrap();
    assert_eq!(keys.publish(&publisher).await, StatusCode::OK);
    assert_eq!(keys.publish(&reader).await, StatusCode::FORBIDDEN, "the key may not");
    assert_eq!(keys.get("/me", &reader).await.json()["permissions"], serde_json::json!([]));
    users.revoke::<PublishPost>(&keys.owner.id).await.unwrap();
    assert_eq!(keys.publish(&publisher).await, StatusCode::FORBIDDEN, "its owner may not any more");
}

#[tokio::test]
async fn a_superusers_key_is_no_superuser() {
    let keys = keys().await;
    let mut owner = keys.owner.clone();
    (owner.is_superuser, owner.is_staff) = (true, true);
    keys.site.auth.users().update_columns(&owner, &["is_superuser", "is_staff"]).await.unwrap();
    let (_, key) = keys.create(&["blog.publish_post"]).await;
    assert_eq!(keys.publish(&key).await, StatusCode::OK);
    for path in ["/superuser", "/staff", "/both", "/staff-or-publisher"] {
        let expected = if path == "/staff-or-publisher" { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(keys.get(path, &key).await.status, expected, "{path}");
    }
    let me = keys.get("/me", &key).await.json();
    assert_eq!((&me["is_superuser"], &me["is_staff"]), (&false.into(), &false.into()));
}

#[tokio::test]
async fn a_key_ends_with_its_time_its_revocation_and_its_owner() {
    let keys = keys().await;
    let (id, key) = keys.create(&[]).await;
    let api_keys = keys.site.auth.api_keys();
    assert_eq!(keys.get("/me", &key).await.status, StatusCode::OK);
    assert!(!api_keys.revoke("4711", &id).await.unwrap(), "somebody else's");
    assert!(api_keys.revoke(&keys.owner.id.to_string(), &id).await.unwrap());
    assert_eq!(keys.get("/me", &key).await.status, StatusCode::UNAUTHORIZED);
    // Also where nobody has to be known.
    assert_eq!(keys.get("/maybe", &key).await.status, StatusCode::UNAUTHORIZED);

    let (_, key) = keys.create(&[]).await;
    keys.site.clock.advance(TimeDelta::days(90));
    assert_eq!(keys.get("/me", &key).await.status, StatusCode::UNAUTHORIZED);

    let (_, key) = keys.create(&[]).await;
    let mut owner = keys.owner.clone();
    owner.is_active = false;
    keys.site.auth.users().update_columns(&owner, &["is_active"]).await.unwrap();
    assert_eq!(keys.get("/me", &key).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_never_read_from_an_address() {
    let keys = keys().await;
    let (_, key) = keys.create(&[]).await;
    let other = key.replace("blog_", "auth_");
    let mut changed = key.clone().into_bytes();
    let last = changed.len() - 10;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    for wrong in [other.as_str(), std::str::from_utf8(&changed).unwrap(), "blog_", "x"] {
        assert_eq!(keys.get("/me", wrong).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    for wrong in ["", "not a key", &"x".repeat(300)] {
        assert_eq!(keys.get("/me", wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    for path in [format!("/me?api_key={key}"), format!("/me?x-api-key={key}")] {
        assert_eq!(keys.visitor.get(&path).await.status, StatusCode::UNAUTHORIZED);
    }
}
