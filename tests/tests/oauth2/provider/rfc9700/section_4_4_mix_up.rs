//! §4.4: the answer says who gives it, and the state comes back as it was.

use super::*;

#[tokio::test]
async fn every_answer_names_its_issuer() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow();
    let wrong = flow.clone().with("scope", "everything");
    for answer in [flow.decide(&member, "deny").await, flow.allow(&member).await, wrong.ask(&member).await] {
        let location = answer.location().unwrap();
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(parameter(location, "iss").as_deref(), Some(site.address.as_str()));
        assert_eq!(parameter(location, "state").as_deref(), Some("a state & more"));
    }
    let metadata = site.visitor().get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["issuer"], json!(site.address));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], json!(true));
}

#[tokio::test]
async fn the_issuer_is_not_heard_from_a_request() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let request = visitor.request(Method::GET, "/.well-known/oauth-authorization-server");
    let request = request.header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert_eq!(visitor.send(request).await.json()["issuer"], json!(site.address));
}
