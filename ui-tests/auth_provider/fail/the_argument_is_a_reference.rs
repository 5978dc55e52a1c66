use auth::registry::Context;

#[auth::auth_provider("forge")]
fn forge(_: Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
