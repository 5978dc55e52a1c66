//! §4.8: there is no way around PKCE.

use super::*;

#[tokio::test]
async fn a_request_without_s256_is_refused() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for client in [site.client().await, site.register(public()).await] {
        let flow = client.flow();
        let plain = flow.verifier.expose();
        for wrong in [
            flow.clone().without("code_challenge"),
            flow.clone().without("code_challenge").without("code_challenge_method"),
            flow.clone().without("code_challenge_method"),
            flow.clone().with("code_challenge_method", "plain"),
            flow.clone().with("code_challenge_method", "s256"),
            flow.clone().with("code_challenge_method", "plain").with("code_challenge", plain),
            flow.clone().with("code_challenge", ""),
            flow.clone().with("code_challenge", "short"),
        ] {
            let answer = wrong.ask(&member).await;
            let location = answer.location().unwrap();
            assert!(location.starts_with(CALLBACK), "{location}");
            assert_eq!(parameter(location, "error").as_deref(), Some("invalid_request"), "{location}");
        }
    }
}

#[tokio::test]
async fn a_code_is_not_exchanged_without_its_verifier() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let other = CodeVerifier::generate();
    let challenge = |flow: &Flow| flow.challenge().as_str().to_owned();
    for wrong in [None, Some(other.expose().to_owned()), Some(String::new()), Some("x".to_owned())] {
        let flow = client.flow();
        let code = site.code(&member, &flow).await;
        let mut form = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        form.extend(wrong.as_ref().map(|verifier| ("code_verifier", verifier.as_str())));
        let answer = client.post("/oauth2/token", &form).await;
        assert_eq!(answer.json()["error"], json!("invalid_grant"), "{wrong:?}");
    }
    let flow = client.flow();
    let (code, plain) = (site.code(&member, &flow).await, challenge(&flow));
    let form =
        [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", &plain)];
    assert_eq!(client.post("/oauth2/token", &form).await.json()["error"], json!("invalid_grant"));
}

/// RFC 7636, appendix B.
#[tokio::test]
async fn the_published_pair_is_accepted() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let mut flow = client.flow().with("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    flow.verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let code = site.code(&member, &flow).await;
    assert_eq!(client.exchange(&code, &flow).await.status, StatusCode::OK);
}
