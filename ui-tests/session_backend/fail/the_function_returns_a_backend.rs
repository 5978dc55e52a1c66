use auth::registry::{Context, Url};
use auth::sessions::SessionError;

#[auth::session_backend("memory2")]
async fn connect(_: &Url, _: &Context) -> Result<String, SessionError> {
    Ok(String::new())
}

fn main() {}
