//! Drives the built program: a second factor is enrolled, asked for at the next login, and lost.

use std::process::Command;

use auth::mfa::{Totp, TotpConfig};
use auth_tests::http::{PASSWORD, Server};
use auth_tests::{TestDatabase, sqlite};
use chrono::{TimeDelta, Utc};
use http::StatusCode;
use serde_json::json;

fn program(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mfa"));
    command.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", "a-secret-for-tests-only-0123456789");
    command
}

#[tokio::test]
async fn the_vault_opens_to_two_factors() {
    let database = sqlite().await;
    let server = Server::start(&mut program(&database));
    let alice = server.visitor();
    alice.join("alice").await;
    assert!(alice.browse("/").await.text.contains("/factors"));
    let refused = alice.browse("/vault").await;
    assert_eq!((refused.status, refused.location()), (StatusCode::SEE_OTHER, Some("/factors?next=/vault")));

    let begun = alice.post("/factors/totp", &json!({})).await.json();
    assert!(begun["url"].as_str().unwrap().starts_with("otpauth://totp/The%20vault:alice?"), "{begun}");
    let app = Totp::from_base32(begun["secret"].as_str().unwrap(), TotpConfig::default()).unwrap();
    let code = app.code_at(Utc::now());
    let body = json!({ "challenge": begun["challenge"], "code": code.expose() });
    let added = alice.post("/factors/totp/confirm", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert!(alice.browse("/vault").await.text.contains("gold"));
    assert!(alice.browse("/vault/empty").await.text.contains("<form"));
    let emptied = alice.submit("/vault/empty", &[]).await;
    assert_eq!((emptied.status, emptied.location()), (StatusCode::SEE_OTHER, Some("/vault")), "{}", emptied.text);
    assert!(alice.browse("/vault").await.text.contains("nothing"));

    let again = server.visitor();
    let first = again.submit("/login", &[("username", "alice"), ("password", PASSWORD), ("next", "/vault")]).await;
    assert_eq!(first.location(), Some("/login/factor?next=/vault"));
    assert_eq!(again.browse("/vault").await.location(), Some("/login?next=/vault"), "half a login is none");
    // The code of the next half minute, as the one of this is used up.
    let next = app.code_at(Utc::now() + TimeDelta::seconds(30));
    let second = [("factor", "totp"), ("code", next.expose()), ("next", "/vault")];
    assert_eq!(again.submit("/login/factor", &second).await.location(), Some("/vault"));
    assert!(again.browse("/vault").await.text.contains("gold"));

    let lost = server.visitor();
    let body = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(lost.post("/login", &body).await.status, StatusCode::UNAUTHORIZED);
    let code = &added.json()["recovery_codes"][0];
    let recovered = lost.post("/login/factor", &json!({ "factor": "recovery_codes", "code": code })).await;
    assert_eq!(recovered.status, StatusCode::OK, "{}", recovered.text);

    assert!(program(&database).args(["reset", "alice"]).status().expect("the program runs").success());
    assert_eq!(again.get("/vault").await.status, StatusCode::UNAUTHORIZED, "everything has ended");
    assert_eq!(lost.post("/login", &body).await.status, StatusCode::OK, "and the password is enough");
}
