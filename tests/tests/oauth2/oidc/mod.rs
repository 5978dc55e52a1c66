//! OpenID Connect on top of the provider.

mod discovery;
mod id_token;
mod keys;
mod logins;
mod logout;
mod outages;
mod userinfo;

use auth_tests::http::Visitor;
use axum::http::StatusCode;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

use crate::provider::{Client, Flow, Site, confidential};

const BYE: &str = "https://client.example/bye";

/// A client that wants to know who its users are.
async fn client(site: &Site) -> Client {
    site.register(confidential().scope("openid profile email").post_logout_redirect_uri(BYE)).await
}

/// Its request for a code.
fn flow(client: &Client) -> Flow {
    client.flow().with("scope", "openid")
}

/// What it gets for that, by somebody's code.
async fn tokens(site: &Site, client: &Client, member: &Visitor, flow: &Flow) -> Value {
    let code = site.code(member, flow).await;
    let answer = client.exchange(&code, flow).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn id_token(site: &Site, client: &Client, member: &Visitor) -> String {
    tokens(site, client, member, &flow(client)).await["id_token"].as_str().unwrap().to_owned()
}

/// A part of a token: its header, its payload.
fn part(token: &Value, place: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(place).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}

/// Tokens that look like this one, and are signed by nobody who may.
fn forgeries(token: &str) -> Vec<String> {
    let (header, payload) = (part(&token.into(), 0), part(&token.into(), 1).to_string());
    let with = |name: &str| crate::forge::but(header.clone(), "alg", name).to_string();
    let changed = crate::forge::unsigned(header.to_string(), payload.replace("\"sub\":\"", "\"sub\":\"x"));
    vec![
        format!("{}.", crate::forge::unsigned(with("none"), &payload)),
        crate::forge::hs256("client-secret-of-thirty-two-bytes", with("HS256"), &payload),
        format!("{changed}.{}", token.rsplit('.').next().unwrap()),
        "nonsense".to_owned(),
    ]
}
