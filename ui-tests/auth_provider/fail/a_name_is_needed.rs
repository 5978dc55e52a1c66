use auth::registry::Context;

#[auth::auth_provider]
fn forge(_: &Context) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
