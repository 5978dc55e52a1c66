#[auth::superuser_required]
fn handler() {}

fn main() {}
