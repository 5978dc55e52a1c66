use auth::registry::{Context, Url};
use auth::sessions::{SessionBackend, SessionError};

#[auth::session_backend("other+memory")]
async fn connect(url: &Url, context: &Context) -> Result<impl SessionBackend, SessionError> {
    std::future::ready((url, context)).await;
    make()
}

#[auth::session_backend("boxed", crate = ::auth)]
pub(crate) async fn boxed(
    _: &Url,
    _: &Context,
) -> Result<std::sync::Arc<dyn SessionBackend>, SessionError> {
    make()
}

fn make() -> Result<std::sync::Arc<dyn SessionBackend>, SessionError> {
    unimplemented!()
}

fn main() {
    use auth::sessions::SessionBackendEntry;
    let entry = auth::registry::find::<SessionBackendEntry>("other+memory").unwrap();
    assert_eq!(entry.place.line, 4);
    assert!(auth::registry::find::<SessionBackendEntry>("boxed").is_ok());
}
