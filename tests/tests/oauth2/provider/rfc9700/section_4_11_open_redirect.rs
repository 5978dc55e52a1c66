//! §4.11: an error is told to nobody but the client, and to that only at its own address.

use super::*;

#[tokio::test]
async fn errors_go_to_the_registered_uri() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    for (wrong, error) in [
        (client.flow().with("response_type", "code token"), "unsupported_response_type"),
        (client.flow().without("response_type"), "invalid_request"),
        (client.flow().with("response_type", "token"), "unauthorized_client"),
        (client.flow().with("scope", "read admin"), "invalid_scope"),
        (client.flow().with("scope", "\"read\""), "invalid_scope"),
        (client.flow().with("response_mode", "form_post"), "invalid_request"),
        (client.flow().with("prompt", "none login"), "invalid_request"),
        (client.flow().with("prompt", "none"), "consent_required"),
        (client.flow().with("request", "e30."), "request_not_supported"),
        (client.flow().with("request_uri", "https://evil.example/"), "request_uri_not_supported"),
    ] {
        let answer = wrong.ask(&member).await;
        let location = answer.location().unwrap().replace('#', "?");
        assert!(location.starts_with(&format!("{CALLBACK}?error={error}&")), "{location}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_there_twice_is_refused() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    for name in ["scope", "code_challenge", "response_type", "nonce", "unknown"] {
        let mut flow = client.flow();
        flow.parameters.extend([(name.to_owned(), "x".to_owned()), (name.to_owned(), "x".to_owned())]);
        let answer = flow.ask(&member).await;
        assert_eq!(parameter(answer.location().unwrap(), "error").as_deref(), Some("invalid_request"), "{name}");
    }
    let form = [("grant_type", "client_credentials"), ("grant_type", "client_credentials")];
    assert_eq!(client.post("/oauth2/token", &form).await.json()["error"], json!("invalid_request"));
}

#[tokio::test]
async fn a_stranger_is_sent_to_this_sites_login_and_back() {
    let site = Site::start().await;
    let client = site.client().await;
    let answer = client.flow().ask(&site.visitor()).await;
    assert!(answer.location().unwrap().starts_with("/login?next=/oauth2/authorize%3F"));
    let silent = client.flow().with("prompt", "none").ask(&site.visitor()).await;
    assert_eq!(parameter(silent.location().unwrap(), "error").as_deref(), Some("login_required"));
}
