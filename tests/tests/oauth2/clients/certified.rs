//! A certified provider, written by others: `oidc-provider`, which `tests/interop/install.sh` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

use auth::clock::SystemClock;
use auth::oauth2::client::{ClientAuth, OpenIdConnect};
use auth_tests::http::{Server, Visitor};
use axum::http::StatusCode;

use super::fake::{CLIENT, SECRET};
use super::site::{Site, assert_logged_in, assert_refused, begin, who};

fn start(redirect_uri: &str, client_auth: &str, algorithm: &str) -> Server {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = std::env::var_os("AUTH_INTEROP").map_or_else(|| tests.join("../target/interop"), PathBuf::from);
    assert!(installed.is_dir(), "run tests/interop/install.sh");
    let installed = installed.canonicalize().unwrap();
    Server::start(
        Command::new("node")
            .arg(tests.join("interop/oidc_provider.mjs"))
            .env("INTEROP", installed)
            .env("REDIRECT_URI", redirect_uri)
            .env("CLIENT_SECRET", SECRET)
            .env("CLIENT_AUTH", client_auth)
            .env("ALGORITHM", algorithm),
    )
}

/// A person at the provider, who logs in and allows everything. Gives where the browser goes on the site.
async fn approve(person: &Visitor, url: &str, site: &str) -> String {
    let mut url = url.to_owned();
    for _ in 0..12 {
        if let Some(back) = url.strip_prefix(site) {
            return back.to_owned();
        }
        let path = url.strip_prefix(person.address()).unwrap_or(&url).to_owned();
        let page = person.browse(&path).await;
        if let Some(location) = page.location() {
            location.clone_into(&mut url);
            continue;
        }
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let action = page.text.split_once("action=\"").unwrap().1.split('"').next().unwrap();
        let action = action.strip_prefix(person.address()).unwrap_or(action);
        let login = [("prompt", "login"), ("login", "jane"), ("password", "any")];
        let fields = if page.text.contains("value=\"login\"") { &login[..] } else { &[("prompt", "consent")] };
        let answer = person.submit(action, fields).await;
        answer.location().unwrap_or_else(|| panic!("{}", answer.text)).clone_into(&mut url);
    }
    panic!("the provider leads nowhere: {url}");
}

#[tokio::test]
#[ignore = "needs Node's oidc-provider"]
async fn a_login_is_completed() {
    let ways = [("client_secret_basic", "RS256"), ("client_secret_post", "ES256"), ("client_secret_basic", "EdDSA")];
    for (client_auth, algorithm) in ways {
        let site = Site::by_clock(SystemClock, |builder| builder).await;
        let server = start(&format!("{}/login/certified/callback", site.address), client_auth, algorithm);
        let person = server.visitor();
        let issuer = person.address();
        let provider = OpenIdConnect::new("certified", issuer, CLIENT, SECRET).unwrap();
        let post = client_auth == "client_secret_post";
        site.register(if post { provider.client_auth(ClientAuth::Post) } else { provider });

        let visitor = site.visitor();
        let back = approve(&person, &begin(&visitor, "certified").await, &site.address).await;
        assert!(back.contains("&iss=http"), "it names itself: {back}");
        assert_logged_in(&visitor.browse(&back).await);
        assert_eq!(who(&visitor).await.as_deref(), Some("jane"));
        let user = site.user("jane").await.unwrap();
        assert_eq!(user.email, "jane@example.org");
        let known = site.auth.identities(&user.id.to_string()).await.unwrap();
        assert_eq!((known[0].issuer.as_str(), known[0].subject.as_str()), (issuer, "jane"));

        // The same answer in another browser, and one that does not say from whom it comes.
        let other = site.visitor();
        let answer = other.browse(&back).await;
        assert_refused(&other, &answer, StatusCode::BAD_REQUEST).await;
        let back = approve(&person, &begin(&other, "certified").await, &site.address).await;
        let anonymous = back.split_once("&iss=").unwrap().0;
        let answer = other.browse(anonymous).await;
        assert_refused(&other, &answer, StatusCode::UNAUTHORIZED).await;
    }
}
