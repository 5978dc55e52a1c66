#[auth::mfa_required(on = post)]
async fn handler() {}

fn main() {}
