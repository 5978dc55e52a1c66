use auth::registry::Context;

#[auth::auth_backend("ldap")]
async fn ldap(_: &Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
