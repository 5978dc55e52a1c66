//! Drives the built program as a visitor with a browser would, on each database, with sessions in each place.

use std::process::Command;

use auth_tests::http::{PASSWORD, Server, Visitor};
use auth_tests::{TestDatabase, mysql, postgres, sqlite};
use http::{Method, StatusCode};
use serde_json::json;

const SECRET: &str = "a-secret-for-tests-only-0123456789";

fn program(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", SECRET);
    command
}

async fn publish(visitor: &Visitor) -> StatusCode {
    visitor.post("/posts/7/publish", &json!({})).await.status
}

async fn drive(database: TestDatabase, sessions: &str) {
    let server = Server::start(program(&database).env("AUTH_SESSIONS", sessions));
    let visitor = server.visitor();
    assert_eq!(visitor.get("/").await.status, StatusCode::OK);
    assert_eq!(publish(&visitor).await, StatusCode::UNAUTHORIZED);

    visitor.join("me@example.com").await;
    let me = visitor.get("/me").await.json();
    assert_eq!((&me["username"], &me["permissions"]), (&json!("me@example.com"), &json!([])));
    assert_eq!(publish(&visitor).await, StatusCode::FORBIDDEN);

    // Grant, by the program's own command.
    let granted = program(&database).arg("me@example.com").status().expect("the program runs");
    assert!(granted.success());
    assert_eq!(publish(&visitor).await, StatusCode::OK);

    // Revoke, behind the program's back: gone at the very next request.
    database.sql("DELETE FROM author_groups").await;
    assert_eq!(publish(&visitor).await, StatusCode::FORBIDDEN);

    let before = visitor.clone();
    let cookie = visitor.cookie().expect("there is a session");
    assert_eq!(before.get("/me").await.status, StatusCode::OK);
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(visitor.cookie(), None, "the cookie is taken back");
    let old = server.visitor();
    let request = old.request(Method::GET, "/me").header("cookie", cookie);
    assert_eq!(old.send(request).await.status, StatusCode::UNAUTHORIZED, "and is worth nothing");
}

#[tokio::test]
async fn on_sqlite_with_sessions_in_memory() {
    drive(sqlite().await, "memory:").await;
}

#[tokio::test]
async fn on_sqlite_with_sessions_in_the_database() {
    drive(sqlite().await, "database:").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn on_postgres_with_sessions_in_memory() {
    drive(postgres().await, "memory:").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn on_postgres_with_sessions_in_the_database() {
    drive(postgres().await, "database:").await;
}

#[tokio::test]
#[ignore = "needs MariaDB or MySQL"]
async fn on_mysql_with_sessions_in_memory() {
    drive(mysql().await, "memory:").await;
}

#[tokio::test]
#[ignore = "needs MariaDB or MySQL"]
async fn on_mysql_with_sessions_in_the_database() {
    drive(mysql().await, "database:").await;
}

#[tokio::test]
async fn a_person_with_a_browser_finds_their_way() {
    let database = sqlite().await;
    let server = Server::start(&mut program(&database));
    let visitor = server.visitor();

    // A page that needs a login leads to the form, and back to where one wanted to go.
    let refused = visitor.browse("/me").await;
    assert_eq!((refused.status, refused.location()), (StatusCode::SEE_OTHER, Some("/login?next=/me")));
    let form = visitor.browse("/login?next=/me").await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));

    let weak = visitor.submit("/register", &[("email", "me@example.com"), ("password", "password")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.text.contains("role=\"alert\""), "{}", weak.text);
    let fields = [("email", "me@example.com"), ("password", PASSWORD), ("pen_name", "Me"), ("next", "/me")];
    let registered = visitor.submit("/register", &fields).await;
    assert_eq!((registered.status, registered.location()), (StatusCode::SEE_OTHER, Some("/login?next=/me")));

    let wrong = visitor.submit("/login", &[("email", "me@example.com"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let fields = [("email", "me@example.com"), ("password", PASSWORD), ("next", "/me")];
    let logged_in = visitor.submit("/login", &fields).await;
    assert_eq!((logged_in.status, logged_in.location()), (StatusCode::SEE_OTHER, Some("/me")));
    assert_eq!(visitor.browse("/me").await.status, StatusCode::OK);

    let out = visitor.submit("/logout", &[]).await;
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, Some("/")));
    assert_eq!(visitor.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[test]
fn the_readme_shows_this_program_word_for_word() {
    let (readme, program) = (include_str!("../../../README.md"), include_str!("../src/main.rs"));
    assert!(readme.contains(&format!("```rust,no_run\n{program}```\n")), "copy src/main.rs into the README");
    let counts = |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with("use ");
    let lines = program.lines().map(str::trim).filter(counts).count();
    assert!(lines <= 45, "{lines} lines");
}
