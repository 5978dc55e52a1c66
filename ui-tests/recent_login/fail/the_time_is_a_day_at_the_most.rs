#[auth::recent_login(within = "25h")]
async fn handler() {}

fn main() {}
