#[auth::session_backend("memory2")]
struct Memory;

fn main() {}
