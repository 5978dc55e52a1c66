//! A site whose users and sessions outlive it.

use auth::accounts::AuthBuilder;
use auth_tests::http::Visitor;
use axum::http::{Method, StatusCode};
use tokio::task::JoinHandle;

use crate::app::{self, Author};

/// The application, until it is dropped.
pub(crate) struct Kept {
    pub(crate) address: String,
    server: JoinHandle<()>,
}

impl Kept {
    /// With the secret that it has at every start.
    pub(crate) async fn start(builder: AuthBuilder<Author>) -> Self {
        let auth = builder.secret("a secret that is the same after a restart").build().await.unwrap();
        auth.migrate().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = app::router(&auth).into_make_service_with_connect_info::<std::net::SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, server }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }

    /// What a browser with exactly these cookies gets.
    pub(crate) async fn status(&self, cookie: &str) -> StatusCode {
        let visitor = self.visitor();
        visitor.send(visitor.request(Method::GET, "/closed").header("cookie", cookie)).await.status
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.server.abort();
    }
}
