//! Handlers of the application's own that log users in know devices, as the routes do.

use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::prelude::*;
use auth::web::axum::{CsrfForm, DeviceCookie};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;
use serde_json::json;

use crate::app::{Author, Site, router, serve};

#[derive(serde::Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn log_in(
    auth: Auth<Author>,
    session: Session,
    origin: Origin,
    device: DeviceCookie,
    CsrfForm(login): CsrfForm<Login>,
) -> Result<Redirect, AuthenticationError> {
    let credentials = device.add_to(AuthCredentials::password(login.username, login.password));
    let result = auth.log_in(&session, credentials, &origin).await?;
    device.remember(&result);
    Ok(Redirect::to("/welcome"))
}

async fn try_it(visitor: &Visitor, password: &str) -> Answer {
    visitor.submit("/own", &[("username", "alice"), ("password", password)]).await
}

fn device(answer: &Answer) -> Option<String> {
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    cookies.find(|cookie| cookie.contains("session-device=")).map(str::to_owned)
}

#[tokio::test]
async fn others_guesses_do_not_keep_the_owner_out_of_a_login_of_ones_own() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    let own = axum::Router::new().route("/own", post(log_in)).layer(site.auth.layer());
    let visitor = Visitor::new(&serve(router(&site.auth).merge(own)).await);
    let (owner, elsewhere) = (visitor.another(), visitor.another());
    let done = try_it(&owner, PASSWORD).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some("/welcome")), "{}", done.text);
    let cookie = device(&done).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=15552000"), "{cookie}");
    let by_routes = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(elsewhere.post("/login", &by_routes).await.status, StatusCode::OK);
    let wrong = try_it(&visitor, "wrong").await;
    assert_eq!((wrong.status, device(&wrong)), (StatusCode::UNAUTHORIZED, None), "a failed login leaves nothing");

    for number in 0..25_u8 {
        let guess = AuthCredentials::password("alice", "wrong");
        let origin = Origin::source(Some([192, 0, 2, number].into()));
        assert!(site.auth.authentication().authenticate(guess, &origin).await.is_err());
    }
    assert_eq!(try_it(&visitor, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS, "a stranger's device");
    for (known, left_by) in [(&owner, "a login of one's own"), (&elsewhere, "the routes")] {
        assert_eq!(try_it(known, PASSWORD).await.status, StatusCode::SEE_OTHER, "{left_by}");
        assert_eq!(known.post("/login", &by_routes).await.status, StatusCode::OK, "{left_by}");
    }
}
