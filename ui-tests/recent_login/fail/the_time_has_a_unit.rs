#[auth::recent_login(within = "300")]
async fn handler() {}

fn main() {}
