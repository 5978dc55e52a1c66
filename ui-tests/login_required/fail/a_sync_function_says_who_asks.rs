#[auth::login_required]
fn handler() {}

fn main() {}
