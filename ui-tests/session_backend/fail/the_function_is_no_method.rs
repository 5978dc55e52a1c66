use auth::registry::{Context, Url};
use auth::sessions::{SessionBackend, SessionError};

struct Maker;

impl Maker {
    #[auth::session_backend("memory3")]
    async fn connect(&self, _: &Context) -> Result<(), SessionError> {
        Ok(())
    }
}

fn main() {}
