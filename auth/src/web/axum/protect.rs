use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse, Response};
use http::Extensions;
use tower_layer::Layer;
use tower_service::Service;

use super::super::app::App;
use super::csrf::read_token;
use crate::BoxFuture;
use crate::access::{IsAuthenticated, Permission, PermissionContext, PermissionDenied};
use crate::accounts::Auth;
use crate::users::UserModel;
use crate::web::AuthLayer;
use crate::web::authentication::{AuthenticationBackend, SessionAuthentication};
use crate::web::refusal::Refusal;
use crate::web::request::RequestAuth;

impl<U: UserModel> Auth<U> {
    /// The layer that every router with guards needs, around everything: `router.layer(auth.layer())`.
    pub fn layer(&self) -> AuthLayer {
        self.layer_by(SessionAuthentication)
    }

    /// The layer for a router whose requests carry other credentials than a session's cookie: tokens, keys. More kinds are
    /// added with [`AuthLayer::or`].
    pub fn layer_by(&self, backend: impl AuthenticationBackend) -> AuthLayer {
        AuthLayer::new(Arc::new(App::new(self.clone())), backend, peer)
    }

    /// Closes this router to strangers, its fallback too: 401, or the login page for people. Merge public routes,
    /// `auth.routes()` among them, beside it.
    pub fn protected<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.layer(self.require(IsAuthenticated))
    }

    /// Asks a permission class before every route of a router: `router.route_layer(auth.require(IsAdminUser))`.
    pub fn require<P: Permission>(&self, class: P) -> RequireLayer<P> {
        RequireLayer { class: Arc::new(class) }
    }
}

/// Who is connected, if the application serves with `into_make_service_with_connect_info::<SocketAddr>()`.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// Asks a permission class before every request; made by `auth.require(…)`.
#[derive(Debug)]
pub struct RequireLayer<P> {
    class: Arc<P>,
}

impl<P> Clone for RequireLayer<P> {
    fn clone(&self) -> Self {
        Self { class: self.class.clone() }
    }
}

impl<P, S> Layer<S> for RequireLayer<P> {
    type Service = RequireService<P, S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { class: self.class.clone(), inner }
    }
}

/// The service that [`RequireLayer`] puts around another.
pub struct RequireService<P, S> {
    class: Arc<P>,
    inner: S,
}

impl<P, S: Clone> Clone for RequireService<P, S> {
    fn clone(&self) -> Self {
        Self { class: self.class.clone(), inner: self.inner.clone() }
    }
}

impl<P: fmt::Debug, S> fmt::Debug for RequireService<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireService").field("class", &self.class).finish_non_exhaustive()
    }
}

impl<P, S> Service<Request> for RequireService<P, S>
where
    P: Permission,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let class = self.class.clone();
        let waiting = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move {
            let request = match read_token(request).await {
                Ok(request) => request,
                Err(refusal) => return Ok(refusal.into_response()),
            };
            let (parts, body) = request.into_parts();
            match allow(&*class, &parts).await {
                Ok(()) => ready.call(Request::from_parts(parts, body)).await,
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}

async fn allow(class: &impl Permission, parts: &http::request::Parts) -> Result<(), Refusal> {
    let auth = RequestAuth::of(parts)?;
    let principal = auth.visitor(parts).await?;
    let context = PermissionContext::new(&parts.method, parts.uri.path(), principal);
    match class.has_permission(&context).await {
        Ok(true) => Ok(()),
        Ok(false) if principal.is_none() => Err(auth.log_in_first(parts)),
        Ok(false) => Err(Refusal::denied(PermissionDenied::named(&format!("{class:?}")), parts)),
        Err(error) => Err(Refusal::unavailable(&*error, parts)),
    }
}
