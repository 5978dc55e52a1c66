//! Logins that succeed, and who is logged in then.

use auth::accounts::SignUp;
use auth::mfa::{Totp, TotpConfig};
use auth_tests::http::PASSWORD;
use axum::http::StatusCode;
use chrono::TimeDelta;
use reqwest::Url;
use serde_json::json;

use super::fake::Fake;
use super::site::{Site, assert_logged_in, assert_refused, begin, log_in, who};

#[tokio::test]
async fn github_tells_the_number_and_the_verified_primary_address() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    let url = Url::parse(&begin(&visitor, "github").await).unwrap();
    assert_eq!(url.path(), "/login/oauth/authorize");
    assert!(url.query_pairs().any(|(name, value)| name == "scope" && value == "user:email"), "{url}");
    let back = fake.approve(url.as_str());
    assert!(back.starts_with("/login/github/callback?"), "{back}");
    // GitHub says who it is, since 2026.
    let back = format!("{back}&iss={}/login/oauth", fake.address);
    assert_logged_in(&visitor.browse(&back).await);
    assert_eq!(who(&visitor).await.as_deref(), Some("octocat"));
    let user = site.user("octocat").await.unwrap();
    assert_eq!(user.email, "octo@example.org");
    assert!(!user.password_hash.is_usable());
    let known = site.auth.identities(&user.id.to_string()).await.unwrap();
    let issuer = format!("{}/login/oauth", fake.address);
    assert_eq!(
        (known[0].provider.as_str(), known[0].subject.as_str(), &known[0].issuer),
        ("github", "583231", &issuer)
    );
    assert_eq!(known[0].linked_at, auth::clock::Clock::now(&fake.clock));
    let identity = visitor.get("/identity").await.text;
    assert_eq!(identity, format!("{issuer} 583231 Some(\"octo@example.org\")"));

    // The name at GitHub is another's tomorrow; the number stays.
    fake.told().user = json!({ "login": "renamed" });
    let again = site.visitor();
    assert_logged_in(&log_in(&again, &fake, "github").await);
    assert_eq!(who(&again).await.as_deref(), Some("octocat"));
    // Who has the name now is somebody else.
    fake.told().user = json!({ "login": "octocat", "id": 7 });
    fake.told().emails = json!([]);
    let stranger = site.visitor();
    let answer = log_in(&stranger, &fake, "github").await;
    assert_refused(&stranger, &answer, StatusCode::CONFLICT).await;
}

/// Without a password there is another way to prove it again: the one they came by.
#[tokio::test]
async fn who_has_no_password_proves_again_by_the_provider() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    log_in(&visitor, &fake, "github").await;
    assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, StatusCode::OK);
    fake.clock.advance(TimeDelta::minutes(6));
    let refused = visitor.post("/factors/totp", &json!({})).await;
    assert_eq!((refused.status, &refused.json()["step_up"]), (StatusCode::UNAUTHORIZED, &json!("reauthenticate")));
    let page = visitor.browse("/reauthenticate?next=/factors").await.text;
    assert!(page.contains("href=\"login/github?next=/factors\"") && !page.contains("type=\"password\""), "{page}");
    assert!(!page.contains("login/google"), "that one is not theirs: {page}");
    assert_logged_in(&log_in(&visitor, &fake, "github").await);
    assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, StatusCode::OK);
}

/// Whoever finds an open browser is logged in at the provider, too: that proves nothing.
#[tokio::test]
async fn who_proves_it_again_by_an_issuer_is_asked_there() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    log_in(&visitor, &fake, "id").await;
    fake.clock.advance(TimeDelta::minutes(6));
    let url = begin(&visitor, "id").await;
    assert!(url.contains("&max_age=0"), "{url}");
    let now = auth::clock::Clock::now(&fake.clock).timestamp();
    for claims in [json!({}), json!({ "auth_time": now - 31 })] {
        fake.told().claims = claims;
        let answer = log_in(&visitor, &fake, "id").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    }
    fake.told().claims = json!({ "auth_time": now });
    assert_logged_in(&log_in(&visitor, &fake, "id").await);
    assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_is_as_old_as_the_one_at_the_issuer() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let now = auth::clock::Clock::now(&fake.clock).timestamp();
    for (auth_time, status) in
        [(now - 301, StatusCode::UNAUTHORIZED), (now - 290, StatusCode::OK), (now + 600, StatusCode::OK)]
    {
        fake.told().claims = json!({ "auth_time": auth_time });
        let visitor = site.visitor();
        assert_logged_in(&log_in(&visitor, &fake, "id").await);
        assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, status, "{auth_time}");
        let user = site.user("jane").await.unwrap();
        assert_eq!(user.last_login.unwrap().timestamp(), now);
    }
    // Nor is one that is said to be of the future good for longer.
    fake.clock.advance(TimeDelta::minutes(6));
    let visitor = site.visitor();
    fake.told().claims = json!({ "auth_time": now });
    assert_logged_in(&log_in(&visitor, &fake, "id").await);
    assert_eq!(visitor.post("/factors/totp", &json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn google_and_an_issuer_of_ones_own_are_found_by_discovery() {
    let fake = Fake::start().await;
    fake.told().userinfo = json!({ "picture": "https://a.example/1" });
    let site = Site::start(&fake).await;
    for provider in ["google", "id"] {
        let visitor = site.visitor();
        let url = Url::parse(&begin(&visitor, provider).await).unwrap();
        let has = |wanted: &str| url.query_pairs().any(|(name, _)| name == wanted);
        assert!(url.path() == "/authorize" && has("tenant") && has("nonce"), "{url}");
        // Asked to say when its user was asked; Google does not know that.
        assert_eq!(has("max_age"), provider == "id", "{url}");
        assert_logged_in(&visitor.browse(&fake.approve(url.as_str())).await);
        assert_eq!(who(&visitor).await.as_deref(), Some("jane"));
    }
    // Of both providers the metadata and the keys, once; the account is one: issuer and subject are the same.
    assert_eq!((fake.asked("/.well-known/openid-configuration"), fake.asked("/jwks")), (2, 2));
    let user = site.user("jane").await.unwrap();
    assert_eq!(user.email, "jane@example.org");
    assert_eq!(site.auth.identities(&user.id.to_string()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_verified_counts_for_nothing() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    fake.told().claims = json!({ "email_verified": "true" });
    let visitor = site.visitor();
    assert_logged_in(&log_in(&visitor, &fake, "id").await);
    assert_eq!(site.user("jane").await.unwrap().email, "");
    assert!(visitor.get("/identity").await.text.ends_with(" None"));
    fake.told().emails = json!([{ "email": "octo@example.org", "primary": true, "verified": false }]);
    assert_logged_in(&log_in(&site.visitor(), &fake, "github").await);
    assert_eq!(site.user("octocat").await.unwrap().email, "");
}

#[tokio::test]
async fn an_address_does_not_lend_its_verification_to_another() {
    let fake = Fake::start().await;
    fake.told().userinfo = json!({ "email": "victim@example.org" });
    let site = Site::start(&fake).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    assert_eq!(site.user("jane").await.unwrap().email, "");
}

/// Accounts are joined by issuer and subject, never by an address or a name.
#[tokio::test]
async fn an_existing_account_is_never_joined() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let body = json!({ "username": "somebody", "password": PASSWORD, "email": "jane@example.org" });
    assert_eq!(site.visitor().post("/register", &body).await.status, StatusCode::CREATED);
    let visitor = site.visitor();
    let answer = log_in(&visitor, &fake, "id").await;
    assert_refused(&visitor, &answer, StatusCode::CONFLICT).await;
    assert!(answer.text.contains("log in as always") && site.user("jane").await.is_none(), "{}", answer.text);
    let somebody = site.user("somebody").await.unwrap();
    assert!(site.auth.identities(&somebody.id.to_string()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_application_says_who_becomes_a_user() {
    let fake = Fake::start().await;
    let policy = |info: &auth::oauth2::OAuthUserInfo| {
        let (name, domain) = info.verified_email()?.split_once('@')?;
        (domain == "example.org").then(|| SignUp::new(name).with("email", info.email.clone()))
    };
    let site = Site::with(&fake, |builder| builder.sign_up(policy)).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "github").await);
    assert_eq!(site.user("octo").await.unwrap().email, "octo@example.org");
    fake.told().claims = json!({ "email": "jane@example.com" });
    let visitor = site.visitor();
    let answer = log_in(&visitor, &fake, "id").await;
    assert_refused(&visitor, &answer, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn the_inactive_and_the_deleted_do_not_get_in() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    let mut user = site.user("jane").await.unwrap();
    user.is_active = false;
    site.auth.users().update_columns(&user, &["is_active"]).await.unwrap();
    let visitor = site.visitor();
    let answer = log_in(&visitor, &fake, "id").await;
    assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    assert!(site.auth.users().delete(&user.id).await.unwrap());
    let answer = log_in(&visitor, &fake, "id").await;
    assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    // An account that is erased takes its identities along.
    assert_eq!(site.auth.forget_identities(&user.id.to_string()).await.unwrap(), 1);
    assert_logged_in(&log_in(&visitor, &fake, "id").await);
}

#[tokio::test]
async fn a_second_factor_is_still_required() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    let id = site.user("jane").await.unwrap().id.to_string();
    let mfa = site.auth.mfa();
    let enrolment = mfa.register_user(&id, "test", "jane").await.unwrap();
    let totp = Totp::from_base32(enrolment.secret.expose(), TotpConfig::default()).unwrap();
    let code = || totp.code_at(auth::clock::Clock::now(&fake.clock));
    assert!(mfa.confirm_totp(&id, "test", &enrolment.challenge, code().expose(), "app").await.unwrap().is_some());
    fake.clock.advance(TimeDelta::minutes(1));

    let visitor = site.visitor();
    let answer = log_in(&visitor, &fake, "id").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some("/login/factor?next=/welcome")));
    assert_eq!((who(&visitor).await, visitor.get("/identity").await.text), (None, String::new()));
    let code = code().expose().to_owned();
    let fields = [("factor", "totp"), ("code", &*code)];
    assert_logged_in(&visitor.submit(answer.location().unwrap(), &fields).await);
    assert_eq!(who(&visitor).await.as_deref(), Some("jane"));
    assert!(visitor.get("/identity").await.text.contains("248289761001"));
}

#[tokio::test]
async fn the_login_page_leads_to_the_providers() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let page = site.visitor().browse("/login?next=/welcome").await.text;
    for link in ["login/github?next=/welcome", "login/google?next=/welcome", "login/id?next=/welcome"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    }
}

/// It stands in paths, beside the steps of a login.
#[test]
fn a_provider_has_a_name_that_a_path_can_have() {
    use auth::oauth2::client::OpenIdConnect;

    let named = |name: &str| OpenIdConnect::new(name, "https://id.example.com", "client", "secret".to_owned());
    for bad in ["", "My Staff", "factor", "passkey", "a/b", "..", &"a".repeat(65)] {
        assert!(named(bad).is_err(), "{bad}");
    }
    assert!(named("staff-2").is_ok());
}
