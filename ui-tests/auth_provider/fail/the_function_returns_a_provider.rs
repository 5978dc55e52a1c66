use auth::registry::Context;

#[auth::auth_provider("forge")]
fn forge(_: &Context) -> Result<String, auth::Error> {
    Ok(String::new())
}

fn main() {}
