//! Libraries of other languages as clients: Authlib, requests-oauthlib and openid-client, which `tests/interop/install.sh`
//! installs. Each completes every grant that it knows.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use auth::oauth2::provider::{GrantType, OAuth2Application, OAuth2Config};
use auth::prelude::*;
use auth::testing::ManualClock;
use auth::users::{DefaultUser, Extra};
use auth_tests::http::PASSWORD;
use axum::Router;
use axum::routing::post;
use chrono::TimeDelta;
use serde_json::{Value, json};

const CALLBACK: &str = "https://client.example/callback";
const LOGGED_OUT: &str = "https://client.example/bye";
const SCOPE: &str = "openid profile email";

/// A provider, and what a client's program is told of it.
async fn provider() -> (Value, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let clock = ManualClock::new();
    let config = OAuth2Config::new(&issuer);
    let auth = Auth::<DefaultUser>::builder().clock(clock.clone()).oauth2(config).build().await.unwrap();
    let mut extra = Extra::new();
    for (column, value) in [("email", "ada@example.org"), ("first_name", "Ada"), ("last_name", "Lovelace")] {
        extra.insert(column.to_owned(), value.into());
    }
    let user = auth.users().create_user("ada", Some(PASSWORD), extra).await.unwrap();

    let register = async |application: OAuth2Application| {
        let registered = auth.oauth2().register_application(application).await.unwrap();
        let application = registered.application;
        let mut told = json!({
            "id": application.client_id,
            "redirect_uri": application.redirect_uris.first(),
            "post_logout_redirect_uri": application.post_logout_redirect_uris.first(),
        });
        if let Some(secret) = registered.client_secret {
            told["secret"] = secret.expose().into();
        }
        told
    };
    let web = OAuth2Application::confidential("Web").redirect_uri(CALLBACK).post_logout_redirect_uri(LOGGED_OUT);
    let native = OAuth2Application::public("Native").redirect_uri("http://127.0.0.1:1/callback");
    let device = OAuth2Application::public("Device").grants([GrantType::DeviceCode]).scope(SCOPE);
    let machine = OAuth2Application::confidential("Machine").grants([GrantType::ClientCredentials]).scope("openid");
    let mut told = json!({
        "issuer": issuer,
        "rotate": format!("{issuer}/test/rotate"),
        "wait": format!("{issuer}/test/wait"),
        "user": { "username": "ada", "password": PASSWORD },
        "device": register(device).await,
        "machine": register(machine).await,
    });
    for (name, application) in [("web", web), ("native", native)] {
        told[name] = register(application.grant(GrantType::RefreshToken).scope(SCOPE)).await;
    }

    let keys = auth.oauth2().id_tokens().keys().clone();
    let test = Router::new()
        .route("/test/rotate", post(async move || keys.renew().await.unwrap()))
        .route("/test/wait", post(async move || clock.advance(TimeDelta::seconds(6))));
    let app = Router::new().merge(auth.routes()).merge(auth.oauth2_routes()).layer(auth.layer()).merge(test);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (told, user.id.to_string())
}

/// Runs a client's program against a provider of its own. Gives what it did, and the user's id.
async fn run(program: fn(&Path, &Path) -> Command) -> (Value, String) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = std::env::var_os("AUTH_INTEROP").map_or_else(|| tests.join("../target/interop"), PathBuf::from);
    assert!(installed.is_dir(), "run tests/interop/install.sh");
    let (told, user_id) = provider().await;
    let done = tokio::task::spawn_blocking(move || {
        let mut child = program(&tests.join("interop"), &installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    });
    (done.await.unwrap(), user_id)
}

fn python(scripts: &Path, installed: &Path, script: &str) -> Command {
    let mut command = Command::new(installed.join("venv/bin/python"));
    // They want TLS, but not for this machine in tests.
    command
        .arg("-B")
        .arg(scripts.join(script))
        .env("OAUTHLIB_INSECURE_TRANSPORT", "1")
        .env("AUTHLIB_INSECURE_TRANSPORT", "1");
    command
}

fn userinfo(user_id: &str) -> Value {
    json!({
        "sub": user_id, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
        "preferred_username": "ada", "email": "ada@example.org",
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with Authlib"]
async fn authlib_completes_every_grant() {
    let (done, user_id) = run(|scripts, installed| python(scripts, installed, "oauth_authlib.py")).await;
    for client in ["web", "native"] {
        assert_eq!(done[client], json!({ "sub": user_id, "userinfo": userinfo(&user_id), "amr": ["pwd"] }));
    }
    assert_eq!((&done["rotated"], &done["device"]), (&json!(user_id), &json!(user_id)));
    assert_eq!(done["logout"], json!(format!("{LOGGED_OUT}?state=bye")));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with requests-oauthlib"]
async fn requests_oauthlib_completes_every_grant() {
    let (done, user_id) = run(|scripts, installed| python(scripts, installed, "oauth_requests.py")).await;
    for client in ["web", "native"] {
        assert_eq!(done[client], userinfo(&user_id));
    }
    assert_eq!((&done["machine"], &done["device"]), (&json!("Bearer"), &json!(user_id)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node.js with openid-client"]
async fn openid_client_completes_every_grant() {
    let program = |scripts: &Path, installed: &Path| {
        let mut command = Command::new("node");
        command.arg(scripts.join("oauth_openid_client.mjs")).env("INTEROP", installed);
        command
    };
    let (done, user_id) = run(program).await;
    for client in ["web", "native"] {
        assert_eq!(done[client], json!({ "sub": user_id, "userinfo": userinfo(&user_id), "amr": ["pwd"] }));
    }
    for what in ["again", "rotated", "device"] {
        assert_eq!(done[what], json!(user_id), "{what}");
    }
    assert_eq!(done["logout"], json!(format!("{LOGGED_OUT}?state=bye")));
}
