//! Access and refresh tokens over HTTP, from the first password to the last logout.

use auth::accounts::{AuthBuilder, AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication};
use auth_tests::RedisServer;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::app::{Author, Site, router_by, serve};

struct Programs {
    site: Site,
    visitor: Visitor,
    owner: Author,
}

async fn programs() -> Programs {
    over(Site::start().await).await
}

async fn over(site: Site) -> Programs {
    site.auth.migrate().await.unwrap();
    let owner = match site.auth.users().get_by_username("alice").await.unwrap() {
        Some(owner) => owner,
        None => site.create("alice", |_| {}).await,
    };
    let layer = site.auth.layer_by(BearerAuthentication).or(ApiKeyAuthentication);
    let routes = router_by(&site.auth, layer.clone()).merge(site.auth.token_routes().layer(layer));
    let visitor = Visitor::new(&serve(routes).await);
    Programs { site, visitor, owner }
}

impl Programs {
    /// Sends JSON as a program does, without saying where it comes from.
    async fn send(&self, path: &str, body: Value) -> Answer {
        self.visitor.send(self.visitor.request(Method::POST, path).json(&body)).await
    }

    async fn log_in(&self) -> (String, String) {
        pair(&self.send("/token", json!({ "username": "alice", "password": PASSWORD })).await)
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.send("/token/refresh", json!({ "refresh_token": token })).await
    }

    async fn me(&self, token: &str) -> StatusCode {
        let request = self.visitor.request(Method::GET, "/me").header("authorization", format!("Bearer {token}"));
        self.visitor.send(request).await.status
    }
}

fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &600.into()));
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn a_program_logs_in_renews_and_logs_out() {
    let programs = programs().await;
    let (access, refresh) = programs.log_in().await;
    assert_eq!(programs.me(&access).await, StatusCode::OK);
    programs.site.clock.advance(TimeDelta::minutes(11));
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED, "ten minutes are over");
    let (access, refresh) = pair(&programs.refresh(&refresh).await);
    assert_eq!(programs.me(&access).await, StatusCode::OK);
    let revoked = programs.send("/token/revoke", json!({ "token": refresh })).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED, "at the next request");
    assert_eq!(programs.refresh(&refresh).await.status, StatusCode::UNAUTHORIZED);
    let nothing = programs.send("/token/revoke", json!({ "token": "rubbish" })).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn of_a_hundred_refreshes_one_wins_and_the_family_dies() {
    let programs = programs().await;
    let (access, refresh) = programs.log_in().await;
    let answers = futures(100, || programs.refresh(&refresh)).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    let (new_access, new_refresh) = pair(won[0]);
    for token in [&access, &new_access] {
        assert_eq!(programs.me(token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(programs.refresh(&new_refresh).await.status, StatusCode::UNAUTHORIZED);
    // Another login of the same user is none of this family.
    let (access, _) = programs.log_in().await;
    assert_eq!(programs.me(&access).await, StatusCode::OK);
}

async fn futures<T, F: Future<Output = T>>(count: usize, make: impl Fn() -> F) -> Vec<T> {
    let mut running: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done: Vec<Option<T>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(done.drain(..).flatten().collect())
    })
    .await
}

#[tokio::test]
async fn no_kind_of_token_passes_for_another() {
    let programs = programs().await;
    let (access, refresh) = programs.log_in().await;
    let owner = programs.owner.id.to_string();
    let (_, key) = programs.site.auth.api_keys().create(&owner, "backup", &[], None).await.unwrap();
    for token in [refresh.as_str(), key.expose()] {
        assert_eq!(programs.me(token).await, StatusCode::UNAUTHORIZED, "{token}");
    }
    for token in [access.as_str(), key.expose()] {
        assert_eq!(programs.refresh(token).await.status, StatusCode::UNAUTHORIZED, "{token}");
    }
    for (token, status) in [
        (access.as_str(), StatusCode::BAD_REQUEST),
        (refresh.as_str(), StatusCode::UNAUTHORIZED),
        (key.expose(), StatusCode::OK),
    ] {
        let request = programs.visitor.request(Method::GET, "/me").header("x-api-key", token);
        assert_eq!(programs.visitor.send(request).await.status, status, "{token}");
    }
    // A token that the application's own secret signed, but not as an access token.
    let jwt = programs.site.auth.tokens().jwt().clone().token_type("JWT").unwrap();
    let other = jwt.generate_token(&owner, "alice").unwrap();
    assert_eq!(programs.me(other.expose()).await, StatusCode::UNAUTHORIZED);
    // From an address none is read.
    assert_eq!(programs.visitor.get(&format!("/me?access_token={access}")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_happens_to_the_user_counts_at_the_next_request() {
    let programs = programs().await;
    let (auth, id) = (&programs.site.auth, programs.owner.id);
    let (access, refresh) = programs.log_in().await;
    auth.users().set_password(&id, "another-password-27").await.unwrap();
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(programs.refresh(&refresh).await.status, StatusCode::UNAUTHORIZED);
    auth.users().set_password(&id, PASSWORD).await.unwrap();
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED, "the same words are another password");

    let (access, refresh) = programs.log_in().await;
    auth.log_out_everywhere(&id.to_string()).await.unwrap();
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(programs.refresh(&refresh).await.status, StatusCode::UNAUTHORIZED);
    let (access, refresh) = programs.log_in().await;
    assert_eq!(programs.me(&access).await, StatusCode::OK, "a login right after it");

    let mut disabled = programs.site.user("alice").await;
    disabled.is_active = false;
    auth.users().update_columns(&disabled, &["is_active"]).await.unwrap();
    assert_eq!(programs.me(&access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(programs.refresh(&refresh).await.status, StatusCode::UNAUTHORIZED);
    let again = programs.send("/token", json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_scope_narrows_and_never_widens() {
    let programs = programs().await;
    let auth = &programs.site.auth;
    let users = auth.users();
    users.grant_named(&programs.owner.id, "blog.publish_post").await.unwrap();
    let permissions = async |scope: &str| {
        let login = json!({ "username": "alice", "password": PASSWORD, "scope": scope });
        let (access, refresh) = pair(&programs.send("/token", login).await);
        let (renewed, _) = pair(&programs.refresh(&refresh).await);
        let mut seen = Vec::new();
        for token in [access, renewed] {
            let request =
                programs.visitor.request(Method::GET, "/me").header("authorization", format!("Bearer {token}"));
            seen.push(programs.visitor.send(request).await.json()["permissions"].clone());
        }
        assert_eq!(seen[0], seen[1], "a renewed token permits the same");
        seen.remove(0)
    };
    assert_eq!(permissions("blog.publish_post blog.add_post").await, json!(["blog.publish_post"]));
    assert_eq!(permissions("blog.view_post").await, json!([]));
    // Whoever has a part gets no whole.
    let owner = programs.owner.id.to_string();
    let (_, key) = auth.api_keys().create(&owner, "backup", &["blog.publish_post"], None).await.unwrap();
    let by_key = AuthCredentials::api_key(key.expose());
    let mut result = auth.authentication().authenticate(by_key, &Origin::unknown()).await.unwrap();
    let refused = auth.issue_tokens(&mut result, None, None).await.unwrap_err();
    assert!(matches!(refused, AuthenticationError::InvalidToken { .. }), "{refused:?}");
}

#[tokio::test]
async fn what_comes_with_every_request_is_exchanged_for_nothing_longer() {
    let programs = programs().await;
    let auth = &programs.site.auth;
    let (access, _) = programs.log_in().await;
    let owner = programs.owner.id.to_string();
    let (_, key) = auth.api_keys().create(&owner, "backup", &[], None).await.unwrap();
    let remote = || AuthCredentials::RemoteUser { username: "alice".to_owned(), create: false };
    for credentials in [AuthCredentials::token(access), AuthCredentials::api_key(key.expose()), remote()] {
        let session = auth.new_session();
        let refused = auth.log_in(&session, credentials.clone(), &Origin::unknown()).await.unwrap_err();
        assert!(matches!(refused, AuthenticationError::InvalidToken { .. }), "{refused:?}");
        assert!(session.login().is_none());
        let mut result = auth.authentication().authenticate(credentials, &Origin::unknown()).await.unwrap();
        let refused = auth.issue_tokens(&mut result, None, None).await.unwrap_err();
        assert!(matches!(refused, AuthenticationError::InvalidToken { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn a_secret_that_is_replaced_still_verifies() {
    const OLD: &str = "the old secret of this blog: 7f3a91";
    let database = auth_tests::sqlite().await;
    let with = async |secret: &str, fallback: Option<&str>| {
        let site = Site::with(|builder| {
            let builder = builder.database(&database.url).secret(secret);
            fallback.into_iter().fold(builder, AuthBuilder::secret_fallback)
        });
        over(site.await).await
    };
    let before = with(OLD, None).await;
    let (access, refresh) = before.log_in().await;
    let after = with("the new one of this blog: 19d0c4ab", Some(OLD)).await;
    assert_eq!(after.me(&access).await, StatusCode::OK, "what was signed before still counts");
    let (renewed, _) = pair(&after.refresh(&refresh).await);
    assert_eq!(before.me(&renewed).await, StatusCode::UNAUTHORIZED, "the newest secret signs");
    let foreign = with("a third one of nobody's: 5511ce02aa", None).await;
    assert_eq!(foreign.me(&renewed).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn when_the_blacklist_is_gone_no_token_is_good() {
    let mut redis = RedisServer::start();
    let programs = over(Site::with(|builder| builder.records(&redis.url())).await).await;
    let (access, refresh) = programs.log_in().await;
    assert_eq!(programs.me(&access).await, StatusCode::OK);
    redis.kill();
    assert_eq!(programs.me(&access).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(programs.refresh(&refresh).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let login = programs.send("/token", json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(login.status, StatusCode::SERVICE_UNAVAILABLE);
}
