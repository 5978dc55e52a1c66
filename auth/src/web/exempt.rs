use std::task::{Context, Poll};

use http::Request;
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

/// Lets other sites' pages send unsafe requests to the routes that it stands on, and to no other: for webhooks and forms
/// that are embedded elsewhere.
///
/// ```
/// # #[cfg(feature = "web-axum")] {
/// use auth::web::CsrfExempt;
/// use axum::{Router, routing::post};
///
/// async fn paid() {}
/// let app: Router = Router::new().route("/paid", post(paid).layer(CsrfExempt));
/// # }
/// ```
///
/// # Security
/// A request that would have been refused counts as a stranger's: its session cookie is not looked at, nobody is logged in,
/// and what the handler puts into its session is not kept, so that another site can neither act for the visitor nor log
/// the visitor in or out. A guard outside of it refuses as ever, and so do the routes of `auth.routes()`. Who sends
/// is for the handler to check: by the signature of a webhook, say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a name to write at a route")]
pub struct CsrfExempt;

impl CsrfExempt {
    /// Whether the request stands on such a route.
    pub(super) fn is_on(parts: &Parts) -> bool {
        parts.extensions.get::<Self>().is_some()
    }
}

impl<S> Layer<S> for CsrfExempt {
    type Service = CsrfExemptService<S>;

    fn layer(&self, inner: S) -> CsrfExemptService<S> {
        CsrfExemptService { inner }
    }
}

/// The service that [`CsrfExempt`] puts around another.
#[derive(Clone, Debug)]
pub struct CsrfExemptService<S> {
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for CsrfExemptService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(CsrfExempt);
        self.inner.call(request)
    }
}
