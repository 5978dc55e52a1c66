//! A site whose users log in by other providers.

use std::net::SocketAddr;

use auth::accounts::AuthBuilder;
use auth::audit::Origin;
use auth::clock::Clock;
use auth::oauth2::AuthProvider;
use auth::prelude::*;
use auth::sessions::InMemorySessionBackend;
use auth_tests::http::{Answer, Visitor};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use super::fake::Fake;

#[derive(User, Clone, Debug)]
#[user(table = "client_person")]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) username: String,
    #[user(editable)]
    pub(crate) email: String,
    pub(crate) password_hash: PasswordHash,
    pub(crate) last_login: Option<DateTime<Utc>>,
    pub(crate) is_active: bool,
    pub(crate) is_superuser: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) user_permissions: Vec<String>,
}

pub(crate) struct Site {
    pub(crate) auth: Auth<Person>,
    pub(crate) address: String,
}

impl Site {
    /// With these settings, and all the fake providers.
    pub(crate) async fn with(fake: &Fake, settings: impl FnOnce(AuthBuilder<Person>) -> AuthBuilder<Person>) -> Self {
        let site = Self::by_clock(fake.clock.clone(), settings).await;
        site.register(fake.github());
        site.register(fake.google());
        site.register(fake.open_id("id"));
        site
    }

    pub(crate) async fn start(fake: &Fake) -> Self {
        Self::with(fake, |builder| builder).await
    }

    /// Without a provider.
    pub(crate) async fn by_clock(
        clock: impl Clock + Clone,
        settings: impl FnOnce(AuthBuilder<Person>) -> AuthBuilder<Person>,
    ) -> Self {
        let (listener, address) = listen().await;
        let sessions = InMemorySessionBackend::with_clock(std::sync::Arc::new(clock.clone()));
        let builder = Auth::<Person>::builder().clock(clock).session_backend(sessions).origin(&address);
        let auth = settings(builder).build().await.unwrap();
        let app = Router::new()
            .route("/identity", get(identity))
            .route("/unlink", post(unlink))
            .route("/begin-anywhere", get(begin_anywhere))
            .merge(auth.routes())
            .merge(auth.factor_routes())
            .merge(auth.provider_routes())
            .layer(auth.layer());
        serve_at(listener, app);
        Self { auth, address }
    }

    pub(crate) fn register(&self, provider: impl AuthProvider) {
        self.auth.authentication().register_provider(provider);
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }

    pub(crate) async fn user(&self, name: &str) -> Option<Person> {
        self.auth.users().get_by_username(name).await.unwrap()
    }

    /// Somebody who has registered and logged in with a password.
    pub(crate) async fn member(&self, name: &str) -> (Visitor, Person) {
        let visitor = self.visitor();
        visitor.join(name).await;
        (visitor, self.user(name).await.unwrap())
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

fn serve_at(listener: TcpListener, app: Router) {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
}

/// Serves a router for as long as the test runs.
pub(crate) async fn serve(app: Router) -> String {
    let (listener, address) = listen().await;
    serve_at(listener, app);
    address
}

async fn begin_anywhere(auth: Auth<Person>, session: Session) -> String {
    auth.begin_login(&session, "github", Some("https://evil.example"), &Origin::unknown()).await.unwrap()
}

async fn identity(session: Session) -> String {
    let identity = session.identity().unwrap();
    identity.map(|it| format!("{} {} {:?}", it.provider_id, it.external_id, it.email)).unwrap_or_default()
}

/// What becomes of the identity with that id.
async fn unlink(auth: Auth<Person>, session: Session, principal: Principal, id: String) -> String {
    format!("{:?}", auth.unlink_identity(&session, &principal, &id, &Origin::unknown()).await.unwrap())
}

/// Begins a login, and says where the browser is sent.
pub(crate) async fn begin(visitor: &Visitor, provider: &str) -> String {
    let answer = visitor.browse(&format!("/login/{provider}?next=/welcome")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().unwrap().to_owned()
}

/// A whole login by the fake.
pub(crate) async fn log_in(visitor: &Visitor, fake: &Fake, provider: &str) -> Answer {
    let url = begin(visitor, provider).await;
    visitor.browse(&fake.approve(&url)).await
}

/// Who is logged in.
pub(crate) async fn who(visitor: &Visitor) -> Option<String> {
    let answer = visitor.get("/me").await;
    (answer.status == StatusCode::OK).then(|| answer.json()["username"].as_str().unwrap().to_owned())
}

pub(crate) fn assert_logged_in(answer: &Answer) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some("/welcome")), "{}", answer.text);
}

/// Nobody is logged in, and a person can read why.
pub(crate) async fn assert_refused(visitor: &Visitor, answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{:?} {}", answer.location(), answer.text);
    assert!(answer.text.contains("<h1>"), "{}", answer.text);
    assert_eq!(who(visitor).await, None);
}
