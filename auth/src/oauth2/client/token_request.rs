use std::fmt;

use base64ct::{Base64, Encoding as _};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fetch::Fetch;
use crate::oauth2::{AuthProviderError, AuthorizationFlow, AuthorizationResponse};
use crate::report::said;
use crate::secret::SecretString;

/// How a client proves to the token endpoint who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// By HTTP Basic (`client_secret_basic`).
    Basic,
    /// By fields of the form (`client_secret_post`).
    Post,
}

/// What the provider knows the application by.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: SecretString,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a code is exchanged for (RFC 6749 §5.1).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: SecretString,
    pub(super) token_type: String,
    pub(super) id_token: Option<SecretString>,
}

/// Why it is not (§5.2).
#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    error_description: Value,
}

impl Failure {
    /// Not where it repeats what is secret.
    fn description(&self, secrets: [&str; 3]) -> String {
        let repeats = |text: &&str| secrets.iter().any(|secret| text.contains(secret));
        self.error_description.as_str().filter(|text| !repeats(text)).map(said).unwrap_or_default()
    }
}

/// The address of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
pub(super) fn auth_url(
    mut endpoint: Url,
    client: &Client,
    scopes: &[String],
    flow: &AuthorizationFlow,
    more: &[(&str, String)],
) -> String {
    endpoint
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", flow.redirect_uri())
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", flow.state())
        .append_pair("code_challenge", flow.code_verifier().challenge().as_str())
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    endpoint.into()
}

/// The answer says that it comes from somebody else (RFC 9207 §2.4).
pub(super) fn another_issuer(found: &str, expected: &str) -> AuthProviderError {
    tracing::warn!(expected, "an answer says that it comes from another issuer: {}", said(found));
    AuthProviderError::refused("another issuer answers")
}

/// Exchanges the code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(super) async fn exchange(
    fetch: &Fetch,
    endpoint: &Url,
    (client, auth): (&Client, ClientAuth),
    response: &AuthorizationResponse,
    flow: &AuthorizationFlow,
) -> Result<Tokens, AuthProviderError> {
    let form = form(client, auth, response, flow);
    let basic = (auth == ClientAuth::Basic).then(|| basic(client));
    let answer = fetch.post(endpoint, form, basic.as_ref().map(SecretString::expose)).await?;
    // GitHub says what is wrong with status 200.
    if let Some(failure) = answer.any_json::<Failure>() {
        return Err(why(&failure, client, response, flow));
    }
    if answer.status == StatusCode::UNAUTHORIZED {
        return Err(unknown_client(client, "401"));
    }
    let tokens: Tokens = answer.json()?;
    if !tokens.token_type.eq_ignore_ascii_case("bearer") {
        return Err(AuthProviderError::unavailable("the access token is no bearer token"));
    }
    Ok(tokens)
}

/// Whose fault it is.
fn why(
    failure: &Failure,
    client: &Client,
    response: &AuthorizationResponse,
    flow: &AuthorizationFlow,
) -> AuthProviderError {
    let secrets = [client.secret.expose(), response.code().expose(), flow.code_verifier().expose()];
    let said = format!("{} {}", said(&failure.error), failure.description(secrets));
    let said = said.trim_end();
    match &*failure.error {
        "invalid_grant" | "bad_verification_code" => {
            let (provider, redirect_uri) = (flow.provider(), flow.redirect_uri());
            tracing::warn!(provider, redirect_uri, "a code is refused: {said}");
            AuthProviderError::refused("the provider refuses the code")
        }
        "invalid_client" | "incorrect_client_credentials" => unknown_client(client, said),
        "redirect_uri_mismatch" => AuthProviderError::Configuration(format!(
            "the token endpoint answers {said}: register `{}` there as where it sends browsers back to",
            flow.redirect_uri()
        )),
        _ => AuthProviderError::unavailable(format!("the token endpoint answers {said}")),
    }
}

fn unknown_client(client: &Client, said: &str) -> AuthProviderError {
    let text = format!(
        "the token endpoint answers {said}: the id `{}` or the secret is wrong, or is to be sent in another way",
        client.id
    );
    AuthProviderError::Configuration(text)
}

fn form(client: &Client, auth: ClientAuth, response: &AuthorizationResponse, flow: &AuthorizationFlow) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", response.code().expose())
        .append_pair("redirect_uri", flow.redirect_uri())
        .append_pair("code_verifier", flow.code_verifier().expose());
    if auth == ClientAuth::Post {
        form.append_pair("client_id", &client.id).append_pair("client_secret", client.secret.expose());
    }
    form.finish()
}

/// Id and secret are encoded before they are joined (RFC 6749 §2.3.1).
fn basic(client: &Client) -> SecretString {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(&client.id), encoded(client.secret.expose()));
    format!("Basic {}", Base64::encode_string(pair.as_bytes())).into()
}
