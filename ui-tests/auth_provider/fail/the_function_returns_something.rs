use auth::registry::Context;

#[auth::auth_provider("forge")]
fn forge(_: &Context) {}

fn main() {}
