use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::authentication::{AuthenticationBackend, Backends};
use super::refusal::Refusal;
use super::request::{RequestAuth, WebApp};
use crate::BoxFuture;
use crate::sessions::SessionError;

/// Puts a lazy handle into each request, and saves the session that a handler changed; made by `auth.layer()`.
///
/// A request that nothing asks about costs nothing: no store is touched.
///
/// It recognises whoever is logged in, in a session. Other credentials are taken where they are added with [`AuthLayer::or`]:
///
/// ```
/// # #[cfg(feature = "web-axum")]
/// # fn example(auth: auth::Auth<auth::users::DefaultUser>, people: axum::Router, programs: axum::Router) -> axum::Router {
/// use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication};
///
/// let people = people.layer(auth.layer());
/// let programs = programs.layer(auth.layer_by(BearerAuthentication).or(ApiKeyAuthentication));
/// people.nest("/api", programs)
/// # }
/// ```
#[derive(Clone)]
pub struct AuthLayer {
    app: Arc<dyn WebApp>,
    backends: Backends,
    peer: Peer,
}

/// How a framework says who is connected.
pub(crate) type Peer = fn(&Extensions) -> Option<IpAddr>;

impl AuthLayer {
    pub(crate) fn new(app: Arc<dyn WebApp>, first: impl AuthenticationBackend, peer: Peer) -> Self {
        Self { app, backends: Backends::new(first), peer }
    }

    /// Also takes this kind of credentials. [`authentication`](super::authentication) has the kinds, and the rules for several.
    #[must_use]
    pub fn or(self, next: impl AuthenticationBackend) -> Self {
        Self { backends: self.backends.and(next), ..self }
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("backends", &self.backends).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, self.app.clone(), self.backends.clone(), self.peer)
    }
}

/// The service that [`AuthLayer`] and [`SessionMiddleware`](super::SessionMiddleware) put around another.
#[derive(Clone)]
pub struct AuthService<S> {
    inner: S,
    app: Arc<dyn WebApp>,
    backends: Backends,
    peer: Peer,
}

impl<S> AuthService<S> {
    pub(super) fn new(inner: S, app: Arc<dyn WebApp>, backends: Backends, peer: Peer) -> Self {
        Self { inner, app, backends, peer }
    }
}

impl<S> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let peer = (self.peer)(request.extensions());
        let auth = RequestAuth::new(self.app.clone(), self.backends.clone(), peer);
        request.extensions_mut().insert(auth.clone());
        ResponseFuture { inner: self.inner.call(request), auth, saving: None }
    }
}

pin_project! {
    /// The answer to come, then the session to be saved.
    pub struct ResponseFuture<F, R> {
        #[pin]
        inner: F,
        auth: RequestAuth,
        saving: Option<(Response<R>, BoxFuture<'static, Result<(), SessionError>>)>,
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<String>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.saving.is_none() {
            let mut response = ready!(this.inner.poll(context))?;
            if !this.auth.must_save(response.status()) {
                this.auth.write_headers(response.headers_mut());
                return Poll::Ready(Ok(response));
            }
            let auth = this.auth.clone();
            *this.saving = Some((response, Box::pin(async move { auth.save().await })));
        }
        let (_, saving) = this.saving.as_mut().expect("it was set above");
        let saved = ready!(saving.as_mut().poll(context));
        let (mut response, _) = this.saving.take().expect("it was set above");
        if let Err(error) = saved {
            response = unsaved(&error);
        }
        this.auth.write_headers(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

/// The handler's answer would claim what was not saved.
fn unsaved<R: From<String>>(error: &SessionError) -> Response<R> {
    let (parts, ()) = Request::new(()).into_parts();
    let (status, headers, body) = Refusal::no_session(error, &parts).into_response_parts();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
