use auth::registry::Context;

#[auth::auth_backend("ldap")]
fn ldap(_: Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
