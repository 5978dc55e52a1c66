#[auth::recent_login(within = "0s")]
async fn handler() {}

fn main() {}
