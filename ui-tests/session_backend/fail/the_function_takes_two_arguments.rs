use auth::registry::Context;
use auth::sessions::{SessionBackend, SessionError};

#[auth::session_backend("memory2")]
async fn connect(_: &Context) -> Result<impl SessionBackend, SessionError> {
    make()
}

fn make() -> Result<std::sync::Arc<dyn SessionBackend>, SessionError> {
    unimplemented!()
}

fn main() {}
