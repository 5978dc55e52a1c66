//! A person with Chromium, an authenticator app that others wrote, and a passkey.

use std::path::Path;
use std::process::Command;

use auth_tests::browser::Browser;
use auth_tests::http::{PASSWORD, Server};
use auth_tests::sqlite;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program is installed");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text").trim().to_owned()
}

/// The secret in a picture of a QR code.
fn scan(picture: &Path) -> String {
    let url = run("zbarimg", &["--quiet", "--raw", &picture.display().to_string()]);
    assert!(url.starts_with("otpauth://totp/The%20vault:alice?"), "{url}");
    let (_, rest) = url.split_once("secret=").expect("there is a secret in it");
    rest.split('&').next().unwrap_or_default().to_owned()
}

fn code(secret: &str, when: &str) -> String {
    run("oathtool", &["--totp", "--base32", "--now", when, secret])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium, oathtool and zbarimg"]
async fn somebody_secures_their_account_and_opens_the_vault() {
    let database = sqlite().await;
    let mut program = Command::new(env!("CARGO_BIN_EXE_mfa"));
    program.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", "a-secret-for-tests-only-0123456789");
    let server = Server::start(&mut program);
    let visitor = server.visitor();
    let browser = Browser::start().await;
    let authenticator = browser.authenticator().await;
    let go = async |path: &str| browser.open(&format!("{}{path}", visitor.address())).await;

    go("/register").await;
    browser.submit(&[("username", "alice"), ("password", PASSWORD)]).await;
    browser.until_at("/login").await;
    browser.submit(&[("username", "alice"), ("password", PASSWORD)]).await;
    browser.until_shown("the vault").await;
    go("/vault").await;
    browser.until_shown("There is none yet").await;

    browser.click("form[action='factors/totp'] button").await;
    browser.until_shown("Scan this").await;
    browser.screenshot("enrolment").await;
    let secret = scan(&browser.picture_of("svg", "qr").await);
    browser.submit(&[("code", &code(&secret, "now")), ("name", "My phone")]).await;
    browser.until_shown("Each of these codes").await;
    browser.screenshot("recovery-codes").await;
    browser.click("main a").await;
    browser.until_shown("There is gold in here").await;

    go("/").await;
    browser.click("form[action='/logout'] button").await;
    browser.until_shown("log in").await;
    go("/login?next=/vault").await;
    browser.submit(&[("username", "alice"), ("password", PASSWORD)]).await;
    browser.until_shown("Code of your authenticator app").await;
    browser.screenshot("second-step-code").await;
    browser.submit(&[("code", "000000")]).await;
    browser.until_shown("That is not right").await;
    // The code of the next half minute, as the one of this is used up.
    browser.submit(&[("code", &code(&secret, "now + 30 seconds"))]).await;
    browser.until_shown("There is gold in here").await;

    go("/factors").await;
    browser.fill("[data-passkey] [name=name]", "My laptop").await;
    browser.click("[data-passkey] button").await;
    browser.until_shown("My laptop (passkey)").await;
    browser.screenshot("both-factors").await;
    assert_eq!(authenticator.credentials().await.len(), 1);

    go("/").await;
    browser.click("form[action='/logout'] button").await;
    browser.until_shown("log in").await;
    go("/vault").await;
    browser.until_at("/login?next=/vault").await;
    browser.click("[data-passkey] button").await;
    browser.until_shown("There is gold in here").await;
}
