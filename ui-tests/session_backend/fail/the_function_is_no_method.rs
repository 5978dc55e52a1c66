use auth::registry::Context;
use auth::sessions::SessionError;

struct Maker;

impl Maker {
    #[auth::session_backend("memory3")]
    async fn connect(&self, _: &Context) -> Result<(), SessionError> {
        Ok(())
    }
}

fn main() {}
