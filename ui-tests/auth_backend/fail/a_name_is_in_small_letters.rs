use auth::registry::Context;

#[auth::auth_backend("LDAP")]
fn ldap(_: &Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
