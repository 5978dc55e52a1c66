#[auth::recent_login(within = "5m")]
fn handler() {}

fn main() {}
