//! A site that is a provider, people with browsers, and clients.

use std::net::SocketAddr;

use auth::accounts::AuthBuilder;
use auth::oauth2::provider::{GrantType, OAuth2Application, OAuth2Config};
use auth::oauth2::{CodeChallenge, CodeVerifier};
use auth::prelude::*;
use auth::records::DynRecordStore;
use auth::testing::ManualClock;
use auth::users::DefaultUser;
use auth::web::authentication::BearerAuthentication;
use auth_tests::http::{Answer, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use serde_json::Value;

/// Where the client of most tests gets its codes.
pub(crate) const CALLBACK: &str = "https://client.example/cb";

/// A provider, its clock, and its address, which is its issuer.
pub(crate) struct Site {
    pub(crate) auth: Auth<DefaultUser>,
    pub(crate) clock: ManualClock,
    pub(crate) address: String,
}

/// A registered client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) visitor: Visitor,
}

/// One request by a browser, with its proof key.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) verifier: CodeVerifier,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// On this store of records.
    pub(crate) async fn on(store: DynRecordStore, clock: ManualClock) -> Self {
        Self::build(clock, |builder| builder.record_store(store)).await
    }

    pub(crate) async fn with(settings: impl FnOnce(AuthBuilder<DefaultUser>) -> AuthBuilder<DefaultUser>) -> Self {
        Self::build(ManualClock::new(), settings).await
    }

    async fn build(
        clock: ManualClock,
        settings: impl FnOnce(AuthBuilder<DefaultUser>) -> AuthBuilder<DefaultUser>,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let config = OAuth2Config::new(&address).scope("read", "Read what you wrote");
        let builder = Auth::<DefaultUser>::builder().clock(clock.clone()).oauth2(config);
        let auth = settings(builder).build().await.unwrap();
        let api = Router::new().route("/api", get(api)).layer(auth.layer_by(BearerAuthentication));
        let pages = Router::new().merge(auth.routes()).merge(auth.oauth2_routes()).layer(auth.layer());
        let service = pages.merge(api).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { auth, clock, address }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }

    /// Somebody who has logged in.
    pub(crate) async fn member(&self, name: &str) -> Visitor {
        let visitor = self.visitor();
        visitor.join(name).await;
        visitor
    }

    pub(crate) async fn user_id(&self, name: &str) -> String {
        self.auth.users().get_by_username(name).await.unwrap().unwrap().id.to_string()
    }

    pub(crate) async fn register(&self, application: OAuth2Application) -> Client {
        let registered = self.auth.oauth2().register_application(application).await.unwrap();
        let secret = registered.client_secret.map(|secret| secret.expose().to_owned());
        Client { id: registered.application.client_id, secret, visitor: self.visitor() }
    }

    /// A confidential client with codes and refresh tokens.
    pub(crate) async fn client(&self) -> Client {
        self.register(confidential()).await
    }

    /// The whole way to a code.
    pub(crate) async fn code(&self, member: &Visitor, flow: &Flow) -> String {
        let answer = flow.allow(member).await;
        parameter(answer.location().unwrap(), "code").unwrap()
    }

    /// What a request with this token is answered.
    pub(crate) async fn api(&self, token: &str) -> Answer {
        let visitor = self.visitor();
        visitor.send(visitor.request(Method::GET, "/api").bearer_auth(token)).await
    }
}

async fn api(principal: Principal) -> String {
    let names: Vec<_> = principal.permissions().names().collect();
    format!("{} {} {}", principal.id(), principal.is_delegated(), names.join(" "))
}

pub(crate) fn confidential() -> OAuth2Application {
    OAuth2Application::confidential("Prints")
        .redirect_uri(CALLBACK)
        .scope("read write blog.add_post")
        .grant(GrantType::RefreshToken)
}

pub(crate) fn public() -> OAuth2Application {
    OAuth2Application::public("Reader").redirect_uri(CALLBACK).scope("read write").grant(GrantType::RefreshToken)
}

impl Client {
    /// A request for a code, as the standards want it.
    pub(crate) fn flow(&self) -> Flow {
        let verifier = CodeVerifier::generate();
        let challenge = verifier.challenge();
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", CALLBACK),
            ("scope", "read"),
            ("state", "a state & more"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Flow { verifier, parameters }
    }

    /// Asks an endpoint for something, saying who it is.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut fields = form.to_vec();
        let request = self.visitor.request(Method::POST, path);
        let request = if let Some(secret) = &self.secret {
            request.basic_auth(&self.id, Some(secret))
        } else {
            fields.push(("client_id", &self.id));
            request
        };
        self.visitor.send(request.form(&fields)).await
    }

    pub(crate) async fn exchange(&self, code: &str, flow: &Flow) -> Answer {
        let verifier = flow.verifier.expose();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        self.post("/oauth2/token", &form).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Tokens for somebody, by a code.
    pub(crate) async fn tokens(&self, site: &Site, member: &Visitor) -> Value {
        let flow = self.flow();
        let code = site.code(member, &flow).await;
        let answer = self.exchange(&code, &flow).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

impl Flow {
    /// The same with this parameter instead of what it had.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn challenge(&self) -> CodeChallenge {
        self.verifier.challenge()
    }

    pub(crate) fn path(&self) -> String {
        format!("/oauth2/authorize?{}", query(&self.parameters))
    }

    /// The browser is sent to the provider.
    pub(crate) async fn ask(&self, visitor: &Visitor) -> Answer {
        visitor.browse(&self.path()).await
    }

    /// And its user agrees.
    pub(crate) async fn allow(&self, visitor: &Visitor) -> Answer {
        self.decide(visitor, "allow").await
    }

    pub(crate) async fn decide(&self, visitor: &Visitor, decision: &str) -> Answer {
        let page = self.ask(visitor).await;
        if page.status != StatusCode::OK {
            return page;
        }
        let mut fields = hidden_fields(&page.text);
        fields.push(("decision".to_owned(), decision.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        visitor.submit("/oauth2/authorize", &fields).await
    }
}

pub(crate) fn query(parameters: &[(String, String)]) -> String {
    let url = reqwest::Url::parse_with_params("http://x", parameters).unwrap();
    url.query().unwrap_or_default().to_owned()
}

/// A parameter of the query that somebody is sent to.
pub(crate) fn parameter(location: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(location).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// What a page's form sends without being asked.
pub(crate) fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(
            value
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#39;", "'")
                .replace("&amp;", "&"),
        )
    };
    let inputs = html.split("<input type=\"hidden\" ").skip(1);
    inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect()
}
