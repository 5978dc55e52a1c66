//! What a token is told that its user may do, and its scope does not let it do (RFC 6750 §3.1).

use auth::access::{All, RecentLogin};
use auth::accounts::AuthCredentials;
use auth::audit::Origin;
use auth::prelude::*;
use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;

use super::Site;
use crate::permissions::blog;

#[permission_required("blog.add_post")]
async fn add() {}

#[permission_required(any("blog.add_post", "blog.delete_post"))]
async fn either() {}

#[permission_required(all("blog.add_post", "blog.view_post"))]
async fn both() {}

#[staff_required]
async fn staff() {}

#[mfa_required]
async fn two_factors() {}

#[recent_login(within = "5m")]
async fn recent() {}

async fn recent_add(_: Granted<All<(RecentLogin<300>, blog::add_post)>>) {}

const PATHS: [&str; 7] = ["/add", "/either", "/both", "/staff", "/two-factors", "/recent", "/recent-add"];

struct World {
    site: Site,
    member: Visitor,
    api: Visitor,
}

impl World {
    async fn start() -> Self {
        let site = Site::start().await;
        let member = site.member("ada").await;
        let routes = Router::new()
            .route("/add", get(add))
            .route("/either", get(either))
            .route("/both", get(both))
            .route("/staff", get(staff))
            .route("/two-factors", get(two_factors))
            .route("/recent", get(recent))
            .route("/recent-add", get(recent_add));
        let routes = routes.layer(site.auth.layer_by(BearerAuthentication).or(ApiKeyAuthentication));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Visitor::new(&format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { site, member, api }
    }

    async fn grant(&self) {
        let users = self.site.auth.users();
        let ada = users.get_by_username("ada").await.unwrap().unwrap();
        users.grant::<blog::add_post>(&ada.id).await.unwrap();
        users.grant::<blog::view_post>(&ada.id).await.unwrap();
    }

    /// A client's token, and one of the user's own, with a scope in which there is none of these permissions.
    async fn tokens(&self) -> [String; 2] {
        let client = self.site.client().await;
        let of_client = client.tokens(&self.site, &self.member).await["access_token"].as_str().unwrap().to_owned();
        [of_client, self.own(Some("blog.change_post")).await]
    }

    async fn own(&self, scope: Option<&str>) -> String {
        let (auth, password) = (&self.site.auth, AuthCredentials::password("ada", PASSWORD));
        let mut ada = auth.authentication().authenticate(password, &Origin::unknown()).await.unwrap();
        auth.issue_tokens(&mut ada, None, scope).await.unwrap().access_token.expose().to_owned()
    }

    async fn get(&self, path: &str, authorization: &str) -> Answer {
        self.api.send(self.api.request(Method::GET, path).header("authorization", authorization)).await
    }
}

fn told(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    answer.header("www-authenticate")
}

#[tokio::test]
async fn a_token_is_told_which_scope_it_lacks() {
    let world = World::start().await;
    world.grant().await;
    for token in world.tokens().await {
        let bearer = format!("Bearer {token}");
        for (path, scope) in [
            ("/add", "blog.add_post"),
            ("/both", "blog.add_post blog.view_post"),
            // Which of them the user holds is not said.
            ("/either", "blog.add_post blog.delete_post"),
        ] {
            let expected = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            assert_eq!(told(&world.get(path, &bearer).await), Some(&*expected), "{path}");
        }
    }
    let enough = world.own(Some("blog.add_post")).await;
    assert_eq!(world.get("/add", &format!("Bearer {enough}")).await.status, StatusCode::OK);
}

/// No login makes it the user in person (so RFC 9470 does not help), and no scope does.
#[tokio::test]
async fn a_token_with_a_scope_is_told_that_none_is_enough_where_the_user_is_asked_for() {
    let world = World::start().await;
    world.grant().await;
    for token in world.tokens().await {
        for path in ["/two-factors", "/recent", "/recent-add"] {
            let answer = world.get(path, &format!("Bearer {token}")).await;
            assert_eq!(told(&answer), Some("Bearer error=\"insufficient_scope\""), "{path}");
        }
    }
}

/// Nothing is said of what the user does not hold either: it is as if the user had asked.
#[tokio::test]
async fn no_scope_is_asked_for_that_would_not_help() {
    let world = World::start().await;
    let [of_client, own] = world.tokens().await;
    for token in [of_client, own, world.own(None).await] {
        for path in ["/add", "/either", "/both", "/staff"] {
            assert_eq!(told(&world.get(path, &format!("Bearer {token}")).await), None, "{path}");
        }
    }
    let [of_client, own] = world.tokens().await;
    for token in [of_client, own] {
        assert_eq!(told(&world.get("/recent-add", &format!("Bearer {token}")).await), None);
    }
}

/// A key has no scope that could be asked for.
#[tokio::test]
async fn a_key_is_told_nothing_of_scopes() {
    let world = World::start().await;
    world.grant().await;
    let id = world.site.user_id("ada").await;
    let (_, key) = world.site.auth.api_keys().create(&id, "ci", &["blog.change_post"], None).await.unwrap();
    for path in PATHS {
        assert_eq!(told(&world.get(path, &format!("ApiKey {}", key.expose())).await), None, "{path}");
    }
}
