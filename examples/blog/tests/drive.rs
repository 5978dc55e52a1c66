//! Drives the built program: who may do what with which post.

use std::process::Command;

use auth_tests::http::{Server, Visitor};
use auth_tests::{TestDatabase, sqlite};
use http::{Method, StatusCode};
use serde_json::json;

fn program(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blog"));
    command.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", "a-secret-for-tests-only-0123456789");
    command
}

fn put_into(database: &TestDatabase, name: &str, group: &str) {
    assert!(program(database).args([name, group]).status().expect("the program runs").success());
}

async fn rename(visitor: &Visitor, post: &str, title: &str) -> StatusCode {
    let request = visitor.request(Method::PUT, &format!("/posts/{post}")).header("sec-fetch-site", "same-origin");
    visitor.send(request.json(&json!({ "title": title }))).await.status
}

#[tokio::test]
async fn writers_change_their_own_posts_and_editors_publish() {
    let database = sqlite().await;
    let server = Server::start(&mut program(&database));
    let [writer, other, editor] = [server.visitor(), server.visitor(), server.visitor()];
    for (visitor, name, group) in
        [(&writer, "wendy", "writers"), (&other, "walter", "writers"), (&editor, "edith", "editors")]
    {
        visitor.join(name).await;
        assert_eq!(visitor.post("/posts", &json!({ "title": "x" })).await.status, StatusCode::FORBIDDEN);
        put_into(&database, name, group);
    }
    let post = writer.post("/posts", &json!({ "title": "Frist" })).await;
    assert_eq!((post.status, &post.json()["id"]), (StatusCode::CREATED, &json!(1)));
    assert_eq!(rename(&writer, "1", "First").await, StatusCode::OK);
    assert_eq!(rename(&other, "1", "Mine").await, StatusCode::NOT_FOUND, "hidden");
    assert_eq!(rename(&other, "2", "Mine").await, StatusCode::NOT_FOUND);
    assert_eq!(rename(&other, "nonsense", "Mine").await, StatusCode::NOT_FOUND);
    assert_eq!(rename(&server.visitor(), "1", "Mine").await, StatusCode::UNAUTHORIZED);

    assert_eq!(writer.get("/drafts").await.status, StatusCode::FORBIDDEN);
    assert_eq!(editor.get("/drafts").await.json()[0]["title"], "First");
    assert_eq!(writer.post("/posts/1/publish", &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(editor.post("/posts/1/publish", &json!({})).await.status, StatusCode::OK);
    assert_eq!(editor.post("/posts/9/publish", &json!({})).await.status, StatusCode::NOT_FOUND);
    let published = server.visitor().get("/posts").await.json();
    assert_eq!((&published[0]["title"], &published[0]["published"]), (&json!("First"), &json!(true)));
}
