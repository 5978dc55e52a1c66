//! Documents of providers that are not what they should be: nobody is logged in, and nothing is followed.

use std::error::Error as _;

use auth::audit::Origin;
use auth::oauth2::AuthProviderError;
use auth::oauth2::client::{GitHub, Google, OpenIdConnect};
use axum::http::StatusCode;
use serde_json::json;

use super::fake::{Fake, Instead, SECRET, SHORT};
use super::site::{Site, begin, log_in, who};

const METADATA: &str = "/.well-known/openid-configuration";

/// Who it is cannot be told.
async fn assert_unavailable(fake: &Fake, site: &Site, provider: &str) {
    let visitor = site.visitor();
    let answer = log_in(&visitor, fake, provider).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(!answer.text.contains("127.0.0.1") && !answer.text.contains("secret"), "{}", answer.text);
    assert_eq!(who(&visitor).await, None);
}

#[tokio::test]
async fn no_document_leads_elsewhere_is_too_long_too_slow_or_no_json() {
    let fake = Fake::start().await;
    let elsewhere = Fake::start().await;
    let site = Site::start(&fake).await;
    let to = |path: &str| Instead::Redirect(format!("{}{path}", elsewhere.address));
    let (mut number, ways) = (0, |path| [to(path), Instead::Oversized, Instead::Never, Instead::Html]);
    for path in ["/jwks", "/token", "/userinfo"] {
        for instead in ways(path).into_iter().chain([Instead::Status(StatusCode::INTERNAL_SERVER_ERROR)]) {
            // Each has found nothing yet.
            number += 1;
            let name = format!("id-{number}");
            let slow = matches!(instead, Instead::Never);
            let provider = fake.open_id(&name);
            site.register(if slow { provider.timeout(SHORT) } else { provider });
            fake.told().instead.insert(path, instead);
            assert_unavailable(&fake, &site, &name).await;
            fake.told().instead.clear();
        }
    }
    for path in ["/login/oauth/access_token", "/user", "/user/emails"] {
        for instead in ways(path) {
            let slow = matches!(instead, Instead::Never);
            site.register(if slow { fake.github().timeout(SHORT) } else { fake.github() });
            fake.told().instead.insert(path, instead);
            assert_unavailable(&fake, &site, "github").await;
            fake.told().instead.clear();
        }
    }
    for instead in ways(METADATA) {
        site.register(fake.open_id("new").timeout(SHORT));
        fake.told().instead.insert(METADATA, instead);
        assert_eq!(site.visitor().browse("/login/new").await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(elsewhere.told().asked.is_empty(), "no redirection is followed");
}

#[tokio::test]
async fn metadata_are_of_the_very_issuer_and_lead_to_no_plain_address() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let bad = [
        json!({ "issuer": "https://attacker.example" }),
        json!({ "issuer": format!("{}/", fake.address) }),
        json!({ "issuer": null }),
        json!({ "token_endpoint": null }),
        json!({ "token_endpoint": "http://intranet.example/token" }),
        json!({ "jwks_uri": "file:///etc/passwd" }),
        json!({ "userinfo_endpoint": "https://user:password@example.org/" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
    ];
    for metadata in bad {
        fake.told().metadata = metadata.clone();
        let answer = site.visitor().browse("/login/id").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{metadata}");
    }
    fake.told().metadata = json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] });
    assert_eq!(log_in(&site.visitor(), &fake, "id").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_key_set_with_a_private_key_is_none() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let mut leaked = super::fake::jwk(&fake.told().key, "one");
    leaked["d"] = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE".into();
    let secret = json!({ "kty": "oct", "kid": "one", "alg": "HS256", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" });
    for keys in [json!([leaked]), json!([secret]), json!([])] {
        fake.told().jwks = Some(json!({ "keys": keys }));
        assert_unavailable(&fake, &site, "id").await;
    }
}

#[test]
fn a_provider_is_asked_over_tls() {
    for bad in [
        "http://example.org",
        "example.org",
        "ftp://127.0.0.1/",
        "https://user:password@example.org/",
        "https://example.org/#x",
        "http://127.0.0.1.example.org/",
    ] {
        let refused = OpenIdConnect::new("id", bad, "client", SECRET).unwrap_err();
        assert!(matches!(refused, AuthProviderError::Configuration(_)), "{bad}: {refused:?}");
        assert!(GitHub::at("https://github.com", bad, "client", SECRET).is_err(), "{bad}");
    }
    // Only a provider of this machine leads to addresses of this machine.
    assert!(GitHub::at("https://github.com", "http://127.0.0.1:1", "client", SECRET).is_err());
    let shown = format!("{:?} {:?}", GitHub::new("client", SECRET).unwrap(), Google::new("client", SECRET).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn without_its_own_address_a_site_begins_nothing() {
    let fake = Fake::start().await;
    let auth = auth::Auth::<super::site::Person>::builder().build().await.unwrap();
    auth.authentication().register_provider(fake.github());
    let error = auth.begin_login(&auth.new_session(), "github", None, &Origin::unknown()).await.unwrap_err();
    let error = error.source().unwrap();
    assert!(error.to_string().contains("AUTH_ORIGIN"), "{error}");
    let unknown = auth.begin_login(&auth.new_session(), "nobody", None, &Origin::unknown()).await.unwrap_err();
    let unknown = unknown.source().unwrap();
    assert!(unknown.to_string().contains("nobody"), "{unknown}");
    let site = Site::start(&fake).await;
    let url = begin(&site.visitor(), "github").await;
    assert!(url.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A"), "{url}");
}
