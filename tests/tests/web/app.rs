//! A site with a route for every kind of guard, on a clock that is moved by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use auth::access::{Guarded, HasPerm, IsAdminUser, IsAuthenticatedOrReadOnly, ModelPermissions};
use auth::accounts::AuthBuilder;
use auth::prelude::*;
use auth::sessions::InMemorySessionBackend;
use auth::testing::ManualClock;
use auth::users::Extra;
use auth::web::AuthLayer;
use auth_tests::http::{PASSWORD, Visitor};
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{any, get, post};

use crate::permissions::blog;

#[derive(User, Clone, Debug)]
#[user(table = "author")]
pub(crate) struct Author {
    pub(crate) id: i64,
    pub(crate) username: String,
    #[user(editable)]
    pub(crate) email: String,
    pub(crate) password_hash: PasswordHash,
    pub(crate) last_login: Option<DateTime<Utc>>,
    pub(crate) is_active: bool,
    pub(crate) is_staff: bool,
    pub(crate) is_superuser: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) user_permissions: Vec<String>,
    pub(crate) balance: i64,
    #[user(editable)]
    pub(crate) age: Option<i32>,
}

/// The site, its clock, and what its sessions are kept in.
pub(crate) struct Site {
    pub(crate) auth: Auth<Author>,
    pub(crate) clock: ManualClock,
    pub(crate) sessions: Arc<InMemorySessionBackend>,
    pub(crate) address: String,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(settings: impl FnOnce(AuthBuilder<Author>) -> AuthBuilder<Author>) -> Self {
        let clock = ManualClock::new();
        let sessions = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
        let builder = Auth::<Author>::builder().clock(clock.clone()).session_backend(sessions.clone());
        let auth = settings(builder).build().await.unwrap();
        let address = serve(router(&auth)).await;
        Self { auth, clock, sessions, address }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }

    /// Somebody who has registered and logged in.
    pub(crate) async fn member(&self, name: &str) -> (Visitor, Author) {
        let visitor = self.visitor();
        visitor.join(name).await;
        (visitor, self.user(name).await)
    }

    pub(crate) async fn user(&self, name: &str) -> Author {
        self.auth.users().get_by_username(name).await.unwrap().unwrap()
    }

    /// A user who was not made by registering.
    pub(crate) async fn create(&self, name: &str, change: impl FnOnce(&mut Author)) -> Author {
        let mut user = self.auth.users().create_user(name, Some(PASSWORD), Extra::new()).await.unwrap();
        change(&mut user);
        let columns = ["is_active", "is_staff", "is_superuser", "balance", "email", "age", "password"];
        self.auth.users().update_columns(&user, &columns).await.unwrap();
        user
    }
}

/// Serves a router for as long as the test runs.
pub(crate) async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

pub(crate) fn router(auth: &Auth<Author>) -> Router {
    router_by(auth, auth.layer())
}

/// The same routes for whom this layer recognises.
pub(crate) fn router_by(auth: &Auth<Author>, layer: AuthLayer) -> Router {
    let classes = Router::new()
        .route("/read-only-for-strangers", any(ok))
        .route_layer(auth.require(IsAuthenticatedOrReadOnly))
        .merge(
            Router::new()
                .route("/staff-or-publisher", get(ok))
                .route_layer(auth.require(IsAdminUser | HasPerm::<blog::publish_post>::new())),
        )
        .merge(Router::new().route("/model", any(ok)).route_layer(auth.require(ModelPermissions::<
            blog::view_post,
            blog::add_post,
            blog::change_post,
            blog::delete_post,
        >::new())));
    auth.protected(Router::new().route("/closed", get(ok)).route("/closed/{id}", post(ok)))
        .merge(classes)
        .route("/open", any(ok))
        .route("/publish", any(publish))
        .route("/either", get(either))
        .route("/both", get(both))
        .route("/stacked", get(stacked))
        .route("/login-required", get(login))
        .route("/staff", get(staff))
        .route("/superuser", get(superuser))
        .route("/rich", get(rich))
        .route("/body", post(body))
        .route("/proof", post(proof))
        .route("/argument", get(argument))
        .route("/posts/{id}", post(edit))
        .route("/hidden/{id}", post(edit_hidden))
        .route("/note", post(note).get(read_note))
        .route("/note-and-fail", post(note_and_fail))
        .route("/maybe", any(maybe))
        .route("/password", post(change_password))
        .merge(auth.routes())
        .layer(layer)
}

async fn ok() -> &'static str {
    "ok"
}

#[permission_required("blog.publish_post")]
async fn publish(user: CurrentUser<Author>) -> String {
    user.username.clone()
}

#[permission_required(any("blog.publish_post", "blog.add_post"))]
async fn either() {}

#[permission_required(all("blog.publish_post", "blog.add_post"))]
async fn both() {}

#[login_required]
#[permission_required("blog.publish_post")]
#[permission_required("blog.add_post")]
async fn stacked() {}

#[login_required]
async fn login() {}

#[staff_required]
async fn staff() {}

#[superuser_required]
async fn superuser() {}

fn is_rich(user: &CurrentUser<Author>) -> bool {
    user.balance > 1000
}

#[user_passes_test(is_rich)]
async fn rich() {}

#[permission_required("blog.publish_post")]
async fn body(axum::Json(number): axum::Json<i64>) -> String {
    number.to_string()
}

fn demands(_: &Granted<blog::publish_post>) -> &'static str {
    "proved"
}

#[permission_required("blog.publish_post", as = granted)]
async fn proof() -> &'static str {
    demands(&granted)
}

async fn argument(granted: Granted<blog::publish_post>) -> &'static str {
    demands(&granted)
}

pub(crate) struct Post {
    author: String,
}

impl Policy<blog::change_post, Post> for Author {
    fn allows(user: &CurrentUser<Author>, post: &Post) -> bool {
        post.author == user.username
    }
}

impl Guarded for Post {
    type User = Author;
}

/// `/posts/alice` is alice's; `/posts/nobody` is not there; whether `/posts/broken` is, cannot be told.
impl<S: Send + Sync> FromRequestParts<S> for Post {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let Path(author) = Path::<String>::from_request_parts(parts, state).await.unwrap();
        match author.as_str() {
            "nobody" => Err(StatusCode::NOT_FOUND),
            "broken" => Err(StatusCode::SERVICE_UNAVAILABLE),
            _ => Ok(Self { author }),
        }
    }
}

#[permission_required("blog.change_post", on = post)]
async fn edit(post: Post, text: String) -> String {
    format!("{} {text}", post.author)
}

#[permission_required("blog.change_post", on = post, hidden)]
async fn edit_hidden(post: Post) -> String {
    post.author
}

async fn note(session: Session, text: String) {
    session.set("note", text).unwrap();
}

async fn read_note(session: Session) -> String {
    session.get("note").unwrap().unwrap_or_default()
}

async fn note_and_fail(session: Session) -> StatusCode {
    session.set("note", "never").unwrap();
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn maybe(user: Option<CurrentUser<Author>>) -> String {
    user.map(|user| user.username.clone()).unwrap_or_default()
}

#[login_required]
async fn change_password(auth: Auth<Author>, user: CurrentUser<Author>, password: String) {
    auth.users().set_password(&user.id, &password).await.unwrap();
}

pub(crate) const EDITORS: &str = "editors";
pub(crate) type PublishPost = blog::publish_post;
pub(crate) type AddPost = blog::add_post;
pub(crate) type ChangePost = blog::change_post;
