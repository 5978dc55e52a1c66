//! ID tokens that must not log anybody in (OpenID Connect Core §3.1.3.7, RFC 8725).

use std::time::Duration;

use axum::http::StatusCode;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::fake::{Fake, Signature, key};
use super::site::{Site, assert_logged_in, assert_refused, log_in};

#[tokio::test]
async fn every_claim_is_held_against_what_it_must_be() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let now = auth::clock::Clock::now(&fake.clock).timestamp();
    let bad = [
        json!({ "iss": "https://attacker.example" }),
        json!({ "iss": format!("{}/", fake.address) }),
        json!({ "iss": null }),
        json!({ "aud": "another-client" }),
        json!({ "aud": ["another-client"] }),
        json!({ "aud": [] }),
        json!({ "aud": ["client-7", "another-client"] }),
        json!({ "aud": ["client-7", "another-client"], "azp": "another-client" }),
        json!({ "azp": "another-client" }),
        json!({ "exp": now - 31 }),
        json!({ "exp": null }),
        json!({ "exp": (now + 300).to_string() }),
        json!({ "iat": now + 31 }),
        json!({ "iat": null }),
        json!({ "nonce": "of another login" }),
        json!({ "nonce": null }),
        json!({ "sub": null }),
        json!({ "sub": 7 }),
        json!({ "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng" }),
    ];
    for claims in bad {
        fake.told().claims = claims.clone();
        let visitor = site.visitor();
        let answer = log_in(&visitor, &fake, "id").await;
        println!("{claims}");
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
    let at_hash = Base64UrlUnpadded::encode_string(
        &aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"token-of-jane").as_ref()[..16],
    );
    let good = [
        json!({ "at_hash": at_hash }),
        json!({ "exp": now - 29, "iat": now + 29 }),
        json!({ "aud": ["client-7"] }),
        json!({ "aud": ["client-7", "another-client"], "azp": "client-7" }),
    ];
    for claims in good {
        fake.told().claims = claims;
        assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    }
}

#[tokio::test]
async fn the_key_fixes_how_a_token_is_signed() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let bad: [(Value, Signature); 9] = [
        (json!({ "alg": "none" }), Signature::None),
        (json!({ "alg": "nOnE", "kid": null }), Signature::None),
        (json!({}), Signature::None),
        (json!({ "alg": "HS256" }), Signature::KnownSecret),
        (json!({ "alg": "HS256", "kid": null }), Signature::KnownSecret),
        (json!({ "alg": "RS256" }), Signature::Right),
        (json!({ "kid": "unknown" }), Signature::Right),
        (json!({ "typ": "at+jwt" }), Signature::Right),
        (json!({ "jwk": { "kty": "EC" } }), Signature::Right),
    ];
    for (header, signature) in bad {
        println!("{header}");
        (fake.told().header, fake.told().signature) = (header, signature);
        let visitor = site.visitor();
        let answer = log_in(&visitor, &fake, "id").await;
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
    for header in [json!({ "typ": "JWT" }), json!({ "kid": null })] {
        (fake.told().header, fake.told().signature) = (header, Signature::Right);
        assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    }
}

#[tokio::test]
async fn the_description_must_be_of_the_same_account() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    for userinfo in [json!({ "sub": "another" }), json!({ "sub": null }), json!({ "sub": 248_289_761_001_u64 })] {
        fake.told().userinfo = userinfo;
        let visitor = site.visitor();
        let answer = log_in(&visitor, &fake, "id").await;
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
}

#[tokio::test]
async fn a_login_that_is_too_old_for_the_application_is_refused() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    site.register(fake.open_id("strict").max_age(Duration::from_mins(1)));
    let visitor = site.visitor();
    let now = auth::clock::Clock::now(&fake.clock).timestamp();
    for claims in [json!({}), json!({ "auth_time": now - 91 })] {
        fake.told().claims = claims;
        let answer = log_in(&visitor, &fake, "strict").await;
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
    fake.told().claims = json!({ "auth_time": now - 60 });
    assert_logged_in(&log_in(&visitor, &fake, "strict").await);
    let url = super::site::begin(&site.visitor(), "strict").await;
    assert!(url.contains("&max_age=60"), "{url}");
}

/// A key that is not known has the keys fetched again, once a minute; all of them are after an hour.
#[tokio::test]
async fn keys_are_found_again_and_not_for_everybody() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    assert_eq!(fake.asked("/jwks"), 1);
    // The issuer changes its key, and its name.
    fake.told().key = key();
    let jwks = json!({ "keys": [super::fake::jwk(&fake.told().key, "two")] });
    (fake.told().jwks, fake.told().header) = (Some(jwks), json!({ "kid": "two" }));
    let refused = site.visitor();
    let answer = log_in(&refused, &fake, "id").await;
    assert_refused(&refused, &answer, StatusCode::UNAUTHORIZED).await;
    fake.clock.advance(TimeDelta::minutes(1));
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    assert_eq!(fake.asked("/jwks"), 2);
    for _ in 0..3 {
        fake.told().header = json!({ "kid": "three" });
        let answer = log_in(&refused, &fake, "id").await;
        assert_refused(&refused, &answer, StatusCode::UNAUTHORIZED).await;
    }
    assert_eq!(fake.asked("/jwks"), 2);
    fake.told().header = json!({ "kid": "two" });
    fake.clock.advance(TimeDelta::hours(1));
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    assert_eq!((fake.asked("/jwks"), fake.asked("/.well-known/openid-configuration")), (3, 2));
}
