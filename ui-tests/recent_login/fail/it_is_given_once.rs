#[auth::recent_login(within = "5m", within = "6m")]
async fn handler() {}

fn main() {}
