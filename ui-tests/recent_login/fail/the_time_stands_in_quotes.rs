#[auth::recent_login(within = soon)]
async fn handler() {}

fn main() {}
