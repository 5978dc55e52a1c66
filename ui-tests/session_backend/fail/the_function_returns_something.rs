use auth::registry::{Context, Url};
use auth::sessions::{SessionBackend, SessionError};

#[auth::session_backend("memory2")]
async fn connect(_: &Url, _: &Context) {
    drop(make())
}

fn make() -> Result<std::sync::Arc<dyn SessionBackend>, SessionError> {
    unimplemented!()
}

fn main() {}
