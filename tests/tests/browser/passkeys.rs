//! Passkeys by Chromium and its virtual authenticator.

use auth::testing::ManualClock;
use auth_tests::browser::{Authenticator, Browser};
use auth_tests::http::PASSWORD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::site::{Site, post};

/// The built-in forms that use a passkey.
const BUTTON: &str = "[data-passkey] button";

/// What the browser answers to what was asked, by `create` or `get`.
async fn answer(browser: &Browser, kind: &str, asked: &Value) -> Value {
    const ANSWER: &str = "
        const [kind, options] = args;
        const publicKey = kind === 'create'
          ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
          : PublicKeyCredential.parseRequestOptionsFromJSON(options);
        return (await navigator.credentials[kind]({ publicKey })).toJSON();";
    let response = browser.script(ANSWER, &[json!(kind), asked["publicKey"].clone()]).await;
    json!({ "challenge": asked["challenge"], "response": response })
}

/// Adds a passkey to the account that is logged in, on the page of its factors.
async fn register(site: &Site, browser: &Browser) {
    site.go(browser, "/factors").await;
    browser.fill("[data-passkey] [name=name]", "My laptop").await;
    browser.click(BUTTON).await;
    browser.until_shown("Recovery codes").await;
    site.go(browser, "/factors").await;
    browser.until_shown("My laptop (passkey)").await;
}

/// Somebody who has a passkey, and has logged out.
async fn with_passkey<'a>(site: &Site, browser: &'a Browser, name: &str) -> Authenticator<'a> {
    let authenticator = browser.authenticator().await;
    site.join(browser, name).await;
    register(site, browser).await;
    site.log_out(browser).await;
    authenticator
}

/// Logs in by the passkey alone, from scripts: the status.
async fn log_in(browser: &Browser) -> u64 {
    let (_, asked) = post(browser, "/login/passkey/start", &json!({})).await;
    post(browser, "/login/passkey/finish", &answer(browser, "get", &asked).await).await.0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn somebody_adds_a_passkey_and_logs_in_by_it_alone() {
    let (site, browser) = (Site::start().await, Browser::start().await);
    let authenticator = with_passkey(&site, &browser, "alice").await;
    let kept = authenticator.credentials().await;
    assert_eq!(
        (kept.len(), &kept[0]["rpId"], &kept[0]["isResidentCredential"]),
        (1, &json!("localhost"), &json!(true))
    );

    site.go(&browser, "/login?next=/me").await;
    browser.screenshot("login").await;
    browser.click(BUTTON).await;
    browser.until_at("/me").await;
    browser.until_shown("alice").await;
    let id = site.auth.users().get_by_username("alice").await.unwrap().unwrap().id.to_string();
    assert!(site.auth.mfa().factors(&id).await.unwrap()[0].last_used_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn a_login_that_is_too_old_is_renewed_on_the_way() {
    let clock = ManualClock::new();
    let (site, browser) = (Site::with(|builder| builder.clock(clock.clone())).await, Browser::start().await);
    let _authenticator = browser.authenticator().await;
    site.join(&browser, "alice").await;
    site.go(&browser, "/factors?next=/me").await;
    clock.advance(TimeDelta::minutes(6));
    browser.click(BUTTON).await;
    browser.until_at("/reauthenticate?next=/factors%3Fnext%3D/me").await;
    browser.submit(&[("password", PASSWORD)]).await;
    browser.until_at("/factors?next=/me").await;
    browser.click(BUTTON).await;
    browser.until_shown("Each of these codes").await;
    browser.click("main a").await;
    browser.until_at("/me").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn after_the_password_the_passkey_is_the_second_step() {
    let (site, browser) = (Site::start().await, Browser::start().await);
    let _authenticator = with_passkey(&site, &browser, "alice").await;
    site.log_in(&browser, "alice").await;
    browser.until_at("/login/factor").await;
    browser.screenshot("second-step").await;
    assert_eq!(
        post(&browser, "/factors/passkeys/start", &json!({})).await.0,
        401,
        "a half-finished login opens nothing"
    );
    browser.click(BUTTON).await;
    browser.until_shown("You are alice").await;

    // Somebody else's does not do.
    site.log_out(&browser).await;
    site.join(&browser, "bob").await;
    let (_, asked) = post(&browser, "/factors/passkeys/start", &json!({})).await;
    let (status, made) = post(&browser, "/factors/passkeys/finish", &answer(&browser, "create", &asked).await).await;
    assert_eq!((status, &made["factor"]["kind"]), (201, &json!("passkey")), "{made}");
    site.log_out(&browser).await;
    let password = |name: &str| json!({ "username": name, "password": PASSWORD });
    let (status, refused) = post(&browser, "/login", &password("bob")).await;
    assert_eq!((status, refused["factors"].to_string().contains("passkey")), (401, true), "{refused}");
    let (_, bobs) = post(&browser, "/login/factor/passkey/start", &json!({})).await;
    let bobs = answer(&browser, "get", &bobs).await;
    assert_eq!(post(&browser, "/login", &password("alice")).await.0, 401);
    let (_, alices) = post(&browser, "/login/factor/passkey/start", &json!({})).await;
    for challenge in [&alices["challenge"], &bobs["challenge"]] {
        let proof = json!({ "factor": "passkey", "challenge": challenge, "response": bobs["response"] });
        assert_eq!(post(&browser, "/login/factor", &proof).await.0, 401);
    }
    site.go(&browser, "/").await;
    browser.until_shown("You are nobody").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn a_user_who_is_not_verified_is_refused() {
    let (site, browser) = (Site::start().await, Browser::start().await);
    let authenticator = with_passkey(&site, &browser, "alice").await;
    authenticator.verifies_users(false).await;
    site.go(&browser, "/login").await;
    browser.click(BUTTON).await;
    browser.until_shown("No passkey was used.").await;

    // The page is asked to do without, and the answer is refused.
    let (_, mut asked) = post(&browser, "/login/passkey/start", &json!({})).await;
    asked["publicKey"]["userVerification"] = "discouraged".into();
    let response = answer(&browser, "get", &asked).await;
    assert!(response["response"]["id"].is_string(), "{response}");
    assert_eq!(post(&browser, "/login/passkey/finish", &response).await.0, 401);
    site.go(&browser, "/").await;
    browser.until_shown("You are nobody").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn an_answer_counts_once_and_a_copy_of_the_authenticator_not_at_all() {
    let (site, browser) = (Site::start().await, Browser::start().await);
    let authenticator = with_passkey(&site, &browser, "alice").await;
    let before = authenticator.credentials().await.remove(0);

    let (_, asked) = post(&browser, "/login/passkey/start", &json!({})).await;
    let response = answer(&browser, "get", &asked).await;
    assert_eq!(post(&browser, "/login/passkey/finish", &response).await.0, 200);
    site.log_out(&browser).await;
    assert_eq!(post(&browser, "/login/passkey/finish", &response).await.0, 401, "replayed");
    assert_eq!(log_in(&browser).await, 200);
    site.log_out(&browser).await;

    // As it was when it was copied.
    authenticator.clear().await;
    authenticator.add(&before).await;
    assert_eq!(log_in(&browser).await, 401);
    site.go(&browser, "/login").await;
    browser.click(BUTTON).await;
    browser.until_shown("This passkey does not log in here.").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn an_answer_of_another_site_is_refused() {
    let (site, other, browser) = (Site::start().await, Site::start().await, Browser::start().await);
    let _authenticator = with_passkey(&site, &browser, "alice").await;
    let (_, asked) = post(&browser, "/login/passkey/start", &json!({})).await;
    // Same host, so that the browser has the passkey there, and another port.
    other.go(&browser, "/").await;
    let response = answer(&browser, "get", &asked).await;
    assert!(response["response"]["id"].is_string(), "{response}");
    site.go(&browser, "/").await;
    assert_eq!(post(&browser, "/login/passkey/finish", &response).await.0, 401);
    assert_eq!(log_in(&browser).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn an_authenticator_has_one_passkey_of_an_account() {
    let (site, browser) = (Site::start().await, Browser::start().await);
    let authenticator = browser.authenticator().await;
    site.join(&browser, "alice").await;
    register(&site, &browser).await;
    browser.click(BUTTON).await;
    browser.until_shown("This device has a passkey for this account already.").await;
    browser.screenshot("factors").await;
    assert_eq!(authenticator.credentials().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn browsers_that_cannot_read_json_do_it_too() {
    const OLDER: &str = "
        delete PublicKeyCredential.parseCreationOptionsFromJSON;
        delete PublicKeyCredential.parseRequestOptionsFromJSON;
        delete PublicKeyCredential.prototype.toJSON;
        return PublicKeyCredential.parseRequestOptionsFromJSON === undefined;";
    let (site, browser) = (Site::start().await, Browser::start().await);
    let _authenticator = with_passkey(&site, &browser, "alice").await;
    site.go(&browser, "/login").await;
    assert_eq!(browser.script(OLDER, &[]).await, true);
    browser.click(BUTTON).await;
    browser.until_shown("You are alice").await;
}
