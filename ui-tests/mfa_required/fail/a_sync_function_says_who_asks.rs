#[auth::mfa_required]
fn handler() {}

fn main() {}
