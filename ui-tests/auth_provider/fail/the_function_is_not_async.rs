use auth::registry::Context;

#[auth::auth_provider("forge")]
async fn forge(_: &Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
