use auth::registry::{Context, Url};
use auth::sessions::{SessionBackend, SessionError};

#[auth::session_backend("memory2")]
struct Memory;

fn main() {}
