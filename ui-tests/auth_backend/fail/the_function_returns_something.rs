use auth::registry::Context;

#[auth::auth_backend("ldap")]
fn ldap(_: &Context) {}

fn main() {}
