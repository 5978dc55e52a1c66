#[auth::recent_login]
async fn handler() {}

fn main() {}
