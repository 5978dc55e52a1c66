use auth::permissions::DeclaredPermission;
use auth_tests::http::Visitor;
use axum::http::{Method, StatusCode};

use crate::app::{AddPost, Author, ChangePost, EDITORS, PublishPost, Site};
use crate::permissions::blog;

const OK: StatusCode = StatusCode::OK;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

async fn status(visitor: &Visitor, path: &str) -> StatusCode {
    visitor.get(path).await.status
}

async fn post(visitor: &Visitor, path: &str, text: &str) -> StatusCode {
    visitor
        .send(visitor.request(Method::POST, path).header("sec-fetch-site", "same-origin").body(text.to_owned()))
        .await
        .status
}

async fn grant<P: DeclaredPermission>(site: &Site, user: &Author) {
    assert!(site.auth.users().grant::<P>(&user.id).await.unwrap());
}

#[tokio::test]
async fn strangers_are_refused_everywhere_but_where_it_is_public() {
    let site = Site::start().await;
    let stranger = site.visitor();
    for path in [
        "/publish",
        "/either",
        "/both",
        "/stacked",
        "/login-required",
        "/staff",
        "/superuser",
        "/rich",
        "/argument",
        "/closed",
        "/me",
        "/staff-or-publisher",
        "/model",
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, UNAUTHORIZED, "{path}");
        assert!(answer.header("www-authenticate").is_some(), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(post(&stranger, "/closed/1", "").await, UNAUTHORIZED);
    assert_eq!(post(&stranger, "/posts/alice", "").await, UNAUTHORIZED);
    assert_eq!(status(&stranger, "/open").await, OK);
    assert_eq!(site.sessions.len(), 0, "a stranger leaves no session");
}

#[tokio::test]
async fn a_permission_counts_from_the_next_request_and_to_the_next_request() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    let users = site.auth.users();
    for path in ["/publish", "/argument", "/staff-or-publisher"] {
        assert_eq!(status(&visitor, path).await, FORBIDDEN, "{path}");
        assert!(users.grant::<PublishPost>(&user.id).await.unwrap());
        assert_eq!(status(&visitor, path).await, OK, "{path}");
        assert!(users.revoke::<PublishPost>(&user.id).await.unwrap());
        assert_eq!(status(&visitor, path).await, FORBIDDEN, "{path}");
        assert!(users.add_to_group(&user.id, EDITORS).await.unwrap());
        assert_eq!(status(&visitor, path).await, OK, "{path}");
        assert!(users.remove_from_group(&user.id, EDITORS).await.unwrap());
        assert_eq!(status(&visitor, path).await, FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn all_any_and_stacked_mean_what_they_say() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    assert_eq!(status(&visitor, "/either").await, FORBIDDEN);
    grant::<PublishPost>(&site, &user).await;
    assert_eq!(status(&visitor, "/either").await, OK);
    assert_eq!(status(&visitor, "/both").await, FORBIDDEN);
    assert_eq!(status(&visitor, "/stacked").await, FORBIDDEN);
    grant::<AddPost>(&site, &user).await;
    assert_eq!(status(&visitor, "/both").await, OK);
    assert_eq!(status(&visitor, "/stacked").await, OK);
}

#[tokio::test]
async fn staff_superusers_and_tests() {
    let site = Site::start().await;
    let (visitor, mut user) = site.member("alice").await;
    for path in ["/staff", "/superuser", "/rich"] {
        assert_eq!(status(&visitor, path).await, FORBIDDEN, "{path}");
    }
    assert_eq!(status(&visitor, "/login-required").await, OK);
    (user.is_staff, user.balance) = (true, 1001);
    site.auth.users().update_columns(&user, &["is_staff", "balance"]).await.unwrap();
    assert_eq!(status(&visitor, "/staff").await, OK);
    assert_eq!(status(&visitor, "/rich").await, OK);
    assert_eq!(status(&visitor, "/superuser").await, FORBIDDEN);
    user.is_superuser = true;
    site.auth.users().update_columns(&user, &["is_superuser"]).await.unwrap();
    for path in ["/superuser", "/publish", "/both", "/model"] {
        assert_eq!(status(&visitor, path).await, OK, "{path}");
    }
}

#[tokio::test]
async fn an_inactive_user_is_nobody_at_the_next_request() {
    let site = Site::start().await;
    let (visitor, mut user) = site.member("alice").await;
    (user.is_superuser, user.is_active) = (true, false);
    site.auth.users().update_columns(&user, &["is_superuser", "is_active"]).await.unwrap();
    assert_eq!(status(&visitor, "/publish").await, UNAUTHORIZED);
    assert_eq!(site.sessions.len(), 0, "the session is ended");
    user.is_active = true;
    site.auth.users().update_columns(&user, &["is_active"]).await.unwrap();
    assert_eq!(status(&visitor, "/login-required").await, UNAUTHORIZED, "and does not come back");
}

#[tokio::test]
async fn a_deleted_user_is_nobody_at_the_next_request() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    assert!(site.auth.users().delete(&user.id).await.unwrap());
    assert_eq!(status(&visitor, "/login-required").await, UNAUTHORIZED);
}

#[tokio::test]
async fn the_check_comes_before_the_body() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    assert_eq!(post(&visitor, "/body", "{ not json").await, FORBIDDEN);
    grant::<PublishPost>(&site, &user).await;
    assert_eq!(post(&visitor, "/body", "{ not json").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_proof_of_a_check_opens_what_demands_it() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    assert_eq!(post(&visitor, "/proof", "").await, FORBIDDEN);
    grant::<PublishPost>(&site, &user).await;
    assert_eq!(post(&visitor, "/proof", "").await, OK);
}

#[tokio::test]
async fn objects_are_loaded_after_the_permission_and_judged_by_their_policy() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    for path in ["/posts/alice", "/posts/nobody", "/posts/broken", "/hidden/bob"] {
        assert_eq!(post(&visitor, path, "x").await, FORBIDDEN, "{path}: no permission, so it is not even looked for");
    }
    grant::<ChangePost>(&site, &user).await;
    for (path, expected) in [
        ("/posts/alice", OK),
        ("/posts/bob", FORBIDDEN),
        ("/posts/nobody", StatusCode::NOT_FOUND),
        ("/posts/broken", StatusCode::SERVICE_UNAVAILABLE),
        ("/hidden/alice", OK),
        ("/hidden/bob", StatusCode::NOT_FOUND),
        ("/hidden/nobody", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(post(&visitor, path, "x").await, expected, "{path}");
    }
    let mut user = site.user("alice").await;
    user.is_superuser = true;
    site.auth.users().update_columns(&user, &["is_superuser"]).await.unwrap();
    assert_eq!(post(&visitor, "/posts/bob", "x").await, OK, "a superuser passes both");
}

#[tokio::test]
async fn permission_classes_guard_routes() {
    let site = Site::start().await;
    let stranger = site.visitor();
    assert_eq!(status(&stranger, "/read-only-for-strangers").await, OK);
    assert_eq!(post(&stranger, "/read-only-for-strangers", "").await, UNAUTHORIZED);
    let (visitor, user) = site.member("alice").await;
    assert_eq!(post(&visitor, "/read-only-for-strangers", "").await, OK);
    assert_eq!(status(&visitor, "/model").await, FORBIDDEN);
    grant::<blog::view_post>(&site, &user).await;
    assert_eq!(status(&visitor, "/model").await, OK);
    assert_eq!(post(&visitor, "/model", "").await, FORBIDDEN);
    grant::<AddPost>(&site, &user).await;
    assert_eq!(post(&visitor, "/model", "").await, OK);
}

#[tokio::test]
async fn people_get_pages_and_programs_problems() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    let page = visitor.browse("/publish").await;
    assert_eq!(page.status, FORBIDDEN);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let problem = visitor.get("/publish").await;
    assert_eq!(problem.json()["status"], 403);
    assert!(!problem.text.contains("publish_post"), "what is missing stands in the log");

    let stranger = site.visitor();
    let redirect = stranger.browse("/closed?a=b&c=%2F").await;
    assert_eq!(redirect.status, StatusCode::SEE_OTHER);
    assert_eq!(redirect.location(), Some("/login?next=/closed%3Fa%3Db%26c%3D%252F"));
    let request = stranger.request(Method::POST, "/closed/1").header("accept", "text/html");
    assert_eq!(stranger.send(request).await.status, UNAUTHORIZED, "what was sent cannot be sent again by a redirect");
}

#[test]
fn guards_are_listed_with_what_they_ask_for() {
    let guards = auth::registry::entries::<auth::access::GuardEntry>();
    let asked = |function: &str| -> Vec<String> {
        let named = guards.iter().filter(|guard| guard.function.ends_with(&format!("::{function}")));
        named.map(|guard| (guard.requirement)()).collect()
    };
    assert_eq!(asked("either"), ["any(blog.publish_post, blog.add_post)"]);
    assert_eq!(asked("rich"), ["is_rich"]);
    let mut stacked = asked("stacked");
    stacked.sort();
    assert_eq!(stacked, ["blog.add_post", "blog.publish_post", "login"]);
    let publish = guards.iter().find(|guard| guard.function == "web::app::publish").unwrap();
    assert_eq!((publish.permissions)(), ["blog.publish_post"]);
    assert!(publish.place.file.ends_with("web/app.rs") && publish.place.line > 1);
    assert_eq!(publish.place.origin(), "web");
}
