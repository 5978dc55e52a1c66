//! What clients and browsers send to an OAuth 2 provider.

use auth::audit::Origin;
use auth::oauth2::provider::{
    ClientCredentials, GrantType, OAuth2Application, OAuth2Error, RequestVerdict, TokenRequest,
};
use auth::prelude::*;
use auth::users::DefaultUser;
use url::{Url, form_urlencoded};

use crate::{block_on, lines, well};

const CALLBACK: &str = "https://client.example/cb";
const LOOPBACK: &str = "http://127.0.0.1/cb?app=1";

/// The query of an authorization request, a token request's form, its `Authorization`, a redirect URI, what somebody typed for
/// a device: a line each.
pub fn run(data: &[u8]) {
    let Some([query, form, authorization, redirect_uri, typed]) = lines(data) else { return };
    block_on(async {
        let auth = provider().await;
        authorize(&auth, query).await;
        token(&auth, form, authorization).await;
        registration(&auth, redirect_uri).await;
        named(&auth, redirect_uri).await;
        device(&auth, typed).await;
    });
}

async fn provider() -> Auth<DefaultUser> {
    let builder =
        Auth::<DefaultUser>::builder().passwords(crate::web::plain_passwords()).oauth2(crate::web::provider());
    let auth = builder.build().await.expect("an application");
    let prints = OAuth2Application::public("Prints").client_id("prints").redirect_uri(CALLBACK).scope("read write");
    let tool = OAuth2Application::public("Tool").client_id("tool").redirect_uri(LOOPBACK).scope("read");
    let tool = tool.grant(GrantType::DeviceCode).grant(GrantType::RefreshToken);
    for application in [prints, tool] {
        well(auth.oauth2().register_application(application).await);
    }
    auth
}

fn fields(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Nobody is sent where no client has registered.
async fn authorize(auth: &Auth<DefaultUser>, query: &str) {
    match well(auth.oauth2().read_authorization_request(&fields(query)).await) {
        RequestVerdict::Accepted(request) => {
            assert!(is_registered(&request.redirect_uri), "{}", request.redirect_uri);
            assert!(request.code_challenge.is_some(), "a code is bound to who asks for it");
            assert!(request.scope.is_within(&request.application.scopes));
            let denied = auth.oauth2().deny(&request).expect("there is an issuer");
            assert!(denied.starts_with(&request.redirect_uri) && denied.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        RequestVerdict::Redirect(location) => {
            let place = location.split("error=").next().unwrap_or_default().trim_end_matches(['?', '&', '#']);
            assert!(is_registered(place), "{location}");
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        RequestVerdict::Untrusted { .. } => {}
    }
}

/// As a browser reads it, and not as the library does.
fn is_registered(uri: &str) -> bool {
    let Ok(mut url) = Url::parse(uri) else { return false };
    if url.host_str() == Some("127.0.0.1") {
        url.set_port(None).expect("it has a host");
        return url.as_str() == LOOPBACK;
    }
    uri == CALLBACK
}

/// No form and no header makes a token of nothing.
async fn token(auth: &Auth<DefaultUser>, form: &str, authorization: &str) {
    let form = fields(form);
    let one = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let authorization = Some(authorization).filter(|text| !text.is_empty());
    let Ok(credentials) = ClientCredentials::read(authorization, one("client_id"), one("client_secret")) else {
        return;
    };
    assert!(authorization.is_none() || one("client_secret").is_none(), "a client says in one way who it is");
    let client = match auth.oauth2().authenticate_client(&credentials, &Origin::default()).await {
        Ok(client) => client,
        Err(OAuth2Error::Refused { .. } | OAuth2Error::TooMany { .. }) => return,
        Err(error) => panic!("a store in memory does not fail: {error:?}"),
    };
    assert!(["prints", "tool"].contains(&&*client.client_id));
    let Ok(request) = TokenRequest::read(&form) else { return };
    match auth.oauth2().token(&client, &request).await {
        Ok(_) => panic!("nobody has allowed it anything"),
        Err(OAuth2Error::Refused { .. } | OAuth2Error::TooMany { .. }) => {}
        Err(error) => panic!("a store in memory does not fail: {error:?}"),
    }
}

/// What is registered is a place that only its owner can be at, as every browser reads it.
async fn registration(auth: &Auth<DefaultUser>, uri: &str) {
    let application = OAuth2Application::public("Another").client_id("another").redirect_uri(uri);
    if auth.oauth2().register_application(application).await.is_err() {
        return;
    }
    let url = Url::parse(uri).expect("what is registered is absolute");
    assert!(url.as_str() == uri || url.as_str() == format!("{uri}/"), "{uri}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{uri}");
    assert!(!uri.contains(['*', '\\', ' ']), "{uri}");
    match url.scheme() {
        "https" => assert!(url.host_str().is_some_and(|host| !host.is_empty()), "{uri}"),
        "http" => assert!(["localhost", "127.0.0.1", "[::1]"].contains(&url.host_str().unwrap_or_default()), "{uri}"),
        scheme => assert!(scheme.contains('.'), "{uri}"),
    }
    let parameters = [("client_id", "another"), ("redirect_uri", uri)].map(|(name, value)| (name.into(), value.into()));
    let verdict = well(auth.oauth2().read_authorization_request(&parameters).await);
    assert!(matches!(verdict, RequestVerdict::Redirect(to) if to.starts_with(uri)), "it can be used");
}

/// What is like a registered one is it, or leads nowhere.
async fn named(auth: &Auth<DefaultUser>, uri: &str) {
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for client in ["prints", "tool"] {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", client).append_pair("redirect_uri", uri).append_pair("response_type", "code");
        query.append_pair("code_challenge", challenge).append_pair("code_challenge_method", "S256");
        authorize(auth, &query.finish()).await;
    }
}

async fn device(auth: &Auth<DefaultUser>, typed: &str) {
    let owner = auth::oauth2::provider::ResourceOwner {
        user_id: "1".to_owned(),
        credential: 0,
        auth_time: chrono::Utc::now(),
        methods: auth::mfa::AuthMethods::PASSWORD,
        session: None,
    };
    let found = auth.oauth2().device_request(&owner, typed).await;
    assert!(matches!(found, Ok(None) | Err(OAuth2Error::TooMany { .. })), "no device waits");
}
