#[auth::recent_login(within = "5m", on = post)]
async fn handler() {}

fn main() {}
