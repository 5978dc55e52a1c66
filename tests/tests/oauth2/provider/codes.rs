//! Codes, and who may have them made.

use auth::audit::ChannelSink;
use auth::oauth2::CodeVerifier;
use auth::oauth2::provider::{GrantType, OAuth2Application, RecordOAuth2Store};
use auth::records::{NewRecord, RecordKind};
use auth::tokens::{OpaqueToken, TokenPrefix};
use axum::http::{Method, StatusCode};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use super::site::{CALLBACK, confidential, parameter};
use super::{Client, Site};

#[tokio::test]
async fn a_code_gives_tokens() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow().with("scope", "read blog.add_post");
    let page = flow.ask(&member).await;
    assert!(page.text.contains("Prints") && page.text.contains("Read what you wrote"), "{}", page.text);
    let code = site.code(&member, &flow).await;
    let answer = client.exchange(&code, &flow).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(tokens["scope"], json!("read blog.add_post"));

    let access = tokens["access_token"].as_str().unwrap();
    let part = |index| {
        let bytes = Base64UrlUnpadded::decode_vec(access.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(header["typ"], json!("at+jwt"));
    for (name, value) in [
        ("iss", json!(site.address)),
        ("aud", json!(site.address)),
        ("sub", json!(site.user_id("ada").await)),
        ("client_id", json!(client.id)),
        ("scope", json!("read blog.add_post")),
        ("amr", json!(["pwd"])),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["jti"].is_string() && claims["auth_time"].is_number());
}

#[tokio::test]
async fn a_token_opens_what_both_scope_and_user_may() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let id = site.user_id("ada").await;
    let user = site.auth.users().get_by_username("ada").await.unwrap().unwrap();
    let flow = client.flow().with("scope", "read blog.add_post");
    let code = site.code(&member, &flow).await;
    let tokens = client.exchange(&code, &flow).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.api(access).await.text, format!("{id} true "));
    for permission in ["blog.add_post", "blog.change_post"] {
        assert!(site.auth.users().grant_named(&user.id, permission).await.unwrap());
    }
    assert_eq!(site.api(access).await.text, format!("{id} true blog.add_post"));
    assert!(site.auth.users().revoke_named(&user.id, "blog.add_post").await.unwrap());
    assert_eq!(site.api(access).await.text, format!("{id} true "));
}

#[tokio::test]
async fn only_a_person_who_is_logged_in_can_agree() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let visitor = site.visitor();
    let flow = client.flow();
    for token in [tokens["access_token"].as_str().unwrap(), "nonsense"] {
        let request = visitor.request(Method::GET, &flow.path()).bearer_auth(token);
        let answer = visitor.send(request).await;
        assert!(answer.location().is_none_or(|location| location.starts_with("/login")), "{answer:?}");
    }
}

#[tokio::test]
async fn a_login_can_be_demanded() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let is_login = |location: Option<&str>| location.is_some_and(|location| location.starts_with("/login?next="));
    assert!(is_login(client.flow().with("prompt", "login").ask(&member).await.location()));
    assert!(is_login(client.flow().with("max_age", "0").ask(&member).await.location()));
    assert_eq!(client.flow().with("max_age", "60").ask(&member).await.status, StatusCode::OK);
    site.clock.advance(chrono::TimeDelta::seconds(120));
    assert!(is_login(client.flow().with("max_age", "60").ask(&member).await.location()));
    let silent = client.flow().with("max_age", "60").with("prompt", "none").ask(&member).await;
    assert_eq!(parameter(silent.location().unwrap(), "error").as_deref(), Some("login_required"));

    // The way back from the login page asks for no other login.
    let sent = client.flow().with("prompt", "login").ask(&member).await;
    let next = parameter(&format!("http://x{}", sent.location().unwrap()), "next").unwrap();
    let again = site.visitor();
    let login = json!({ "username": "ada", "password": auth_tests::http::PASSWORD });
    assert_eq!(again.post("/login", &login).await.status, StatusCode::OK);
    let page = again.browse(&next).await;
    assert_eq!((page.status, page.location()), (StatusCode::OK, None));
}

#[tokio::test]
async fn clients_say_in_one_way_who_they_are() {
    let site = Site::start().await;
    let client = site.register(confidential().grant(GrantType::ClientCredentials)).await;
    let (visitor, secret) = (site.visitor(), client.secret.clone().unwrap());
    let post = |form: Vec<(&'static str, String)>, basic: Option<(String, String)>| {
        let request = visitor.request(Method::POST, "/oauth2/token").form(&form);
        let request = match basic {
            Some((name, secret)) => request.basic_auth(name, Some(secret)),
            None => request,
        };
        visitor.send(request)
    };
    let grant = || vec![("grant_type", "client_credentials".to_owned())];
    let with = |more: Vec<(&'static str, String)>| [grant(), more].concat();
    let basic = || Some((client.id.clone(), secret.clone()));

    assert_eq!(post(grant(), basic()).await.status, StatusCode::OK);
    let posted = with(vec![("client_id", client.id.clone()), ("client_secret", secret.clone())]);
    assert_eq!(post(posted.clone(), None).await.status, StatusCode::OK);
    let both = post(posted, basic()).await;
    assert_eq!((both.status, &both.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    for (form, basic) in [
        (grant(), Some((client.id.clone(), "wrong".to_owned()))),
        (grant(), Some(("nobody".to_owned(), secret.clone()))),
        (with(vec![("client_id", client.id.clone())]), None),
        (with(vec![("client_id", "nobody".to_owned())]), None),
        (grant(), None),
    ] {
        let answer = post(form, basic).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"oauth2\""));
    }
    let request = visitor.request(Method::POST, "/oauth2/token").json(&json!({ "grant_type": "client_credentials" }));
    assert_eq!(visitor.send(request).await.json()["error"], json!("invalid_request"));
}

#[tokio::test]
async fn guesses_at_a_secret_are_limited_and_keep_nobody_out() {
    let site = Site::start().await;
    let client = site.register(confidential().grant(GrantType::ClientCredentials)).await;
    let mut guesser = client.clone();
    guesser.secret = Some("guess".to_owned());
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(guesser.post("/oauth2/token", &[("grant_type", "client_credentials")]).await.status);
    }
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    assert_eq!(client.post("/oauth2/token", &[("grant_type", "client_credentials")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_gets_no_more_than_it_was_registered_for() {
    let site = Site::start().await;
    let only_credentials = OAuth2Application::confidential("Job").grants([GrantType::ClientCredentials]).scope("read");
    let client = site.register(only_credentials).await;
    for (form, error) in [
        (vec![("grant_type", "authorization_code"), ("code", "x")], "unauthorized_client"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "unauthorized_client"),
        (vec![("grant_type", "password"), ("username", "ada")], "unsupported_grant_type"),
        (vec![("grant_type", "implicit")], "unsupported_grant_type"),
        (vec![("grant_type", "client_credentials"), ("scope", "read write")], "invalid_scope"),
        (vec![], "invalid_request"),
    ] {
        let answer = client.post("/oauth2/token", &form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{form:?}");
    }
    let devices = client.post("/oauth2/device_authorization", &[]).await;
    assert_eq!(devices.json()["error"], json!("unauthorized_client"));
}

#[tokio::test]
async fn an_implicit_token_stands_in_the_fragment_and_needs_permission() {
    let site = Site::start().await;
    let application =
        OAuth2Application::public("Old").redirect_uri(CALLBACK).scope("read").grants([GrantType::Implicit]);
    let (client, member) = (site.register(application).await, site.member("ada").await);
    let flow = client.flow().with("response_type", "token").without("code_challenge").without("code_challenge_method");
    let answer = flow.allow(&member).await;
    let (uri, fragment) = answer.location().unwrap().split_once('#').unwrap();
    assert_eq!(uri, CALLBACK);
    let token = parameter(&format!("{CALLBACK}?{fragment}"), "access_token").unwrap();
    assert_eq!(site.api(&token).await.status, StatusCode::OK);
    assert!(!fragment.contains("refresh_token"));
}

#[test]
fn nothing_secret_is_shown() {
    let verifier = CodeVerifier::generate();
    let form =
        [("grant_type", "authorization_code"), ("code", "auth_code_secret"), ("code_verifier", verifier.expose())];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shown = format!("{:?}", auth::oauth2::provider::TokenRequest::read(&form).unwrap());
    assert!(!shown.contains("auth_code_secret") && !shown.contains(verifier.expose()), "{shown}");
}

#[tokio::test]
async fn a_logout_everywhere_ends_clients_tokens_too() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    site.auth.log_out_everywhere(&site.user_id("ada").await).await.unwrap();
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
}

/// Whether anything is allowed cannot be told, so nothing is.
#[tokio::test]
async fn a_store_that_fails_is_no_access() {
    let (store, _keep) = crate::records::broken().await;
    let site = Site::with(|builder| builder.oauth2_store(RecordOAuth2Store::over(store))).await;
    let client = Client { id: "prints".to_owned(), secret: Some("secret".to_owned()), visitor: site.visitor() };
    let member = site.member("ada").await;
    let answer = client.flow().ask(&member).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SERVICE_UNAVAILABLE, None));
    let answer = client.post("/oauth2/token", &[("grant_type", "client_credentials")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["error"], json!("temporarily_unavailable"));
    let token = OpaqueToken::generate(&TokenPrefix::new("auth_access").unwrap()).expose();
    assert_eq!(site.api(token.expose()).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn the_trail_tells_of_clients_consents_and_replays() {
    let (sink, mut events) = ChannelSink::bounded(64);
    let site = Site::with(|builder| builder.audit_sink(sink)).await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    assert_eq!(client.exchange(&code, &flow).await.status, StatusCode::OK);
    assert_eq!(client.exchange(&code, &flow).await.status, StatusCode::BAD_REQUEST);
    let id = site.user_id("ada").await;
    assert!(site.auth.oauth2().revoke_consent(&id, &client.id).await.unwrap());
    let mut names = Vec::new();
    while let Ok(event) = events.try_recv() {
        let shown = format!("{event:?}");
        assert!(!shown.contains(&code) && !shown.contains(flow.verifier.expose()), "{shown}");
        names.push(event.action.name());
    }
    for name in ["client.registered", "consent.granted", "token.issued", "code.reused", "consent.revoked"] {
        assert_eq!(names.iter().filter(|known| **known == name).count(), 1, "{name}: {names:?}");
    }
}

/// A login that waits for its second factor opens nothing.
#[tokio::test]
async fn half_a_login_agrees_to_nothing() {
    let site = Site::start().await;
    let client = site.register(confidential().skip_consent()).await;
    let member = site.member("ada").await;
    assert!(client.flow().ask(&member).await.location().unwrap().starts_with(CALLBACK));
    let factor = json!({
        "kind": "totp", "name": "phone", "created_at": "2026-01-01T00:00:00Z", "last_used_at": null, "data": {},
    });
    let record = NewRecord {
        owner: Some(site.user_id("ada").await),
        value: serde_json::to_vec(&factor).unwrap(),
        expires_at: auth::clock::Clock::now(&site.clock) + chrono::TimeDelta::days(1),
    };
    assert!(site.auth.records().insert(RecordKind::new("mfa_factor"), "factor", record).await.unwrap());
    let half = site.visitor();
    let login = json!({ "username": "ada", "password": auth_tests::http::PASSWORD });
    assert_ne!(half.post("/login", &login).await.status, StatusCode::OK);
    assert!(half.cookie().is_some(), "the login waits");
    assert!(client.flow().ask(&half).await.location().unwrap().starts_with("/login?next="));
    let form = [("decision", "allow"), ("client_id", client.id.as_str()), ("response_type", "code")];
    let answer = half.submit("/oauth2/authorize", &form).await;
    assert!(answer.location().is_none_or(|location| !location.contains("code=")), "{answer:?}");
}
