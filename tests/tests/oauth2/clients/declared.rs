//! `#[auth_provider]`: what is declared is there when the application starts.

use auth::oauth2::AuthProvider;
use auth::oauth2::client::OpenIdConnect;
use auth::prelude::*;
use auth::registry::Context;

use super::site::Person;

#[auth_provider("declared")]
fn declared(context: &Context) -> Result<impl AuthProvider, auth::Error> {
    Ok(OpenIdConnect::new("declared", "https://id.example.org", "client", "secret")?.clock(context.clock.clone()))
}

#[tokio::test]
async fn declared_providers_are_there() {
    let auth = Auth::<Person>::builder().build().await.unwrap();
    assert_eq!(auth.authentication().providers(), ["declared"]);
}
