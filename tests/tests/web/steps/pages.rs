//! The same for people: pages and plain forms.

use auth_tests::http::{Answer, PASSWORD};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;

use super::{Member, Steps, me, wrong};

const LOGIN: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];

fn goes_to(answer: &Answer, location: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(location)), "{}", answer.text);
}

#[tokio::test]
async fn people_are_led_through_both_steps_and_back() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    let [name, password] = LOGIN;
    let first = visitor.submit("/login", &[name, password, ("next", "/closed?a=b")]).await;
    goes_to(&first, "/login/factor?next=/closed%3Fa%3Db");
    let page = visitor.browse(first.location().unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["name=\"code\"", "value=\"totp\"", "value=\"/closed?a=b\"", "?factor=recovery_codes&amp;next=/closed"]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.text.contains("<button>Enter the code</button>"), "{}", page.text);
    assert!(!page.text.contains("alice"), "it does not say whose login it is");
    let bad = wrong(&app, &steps.site.clock);
    let fields = |code| [("factor", "totp"), ("code", code), ("next", "/closed?a=b")];
    let again = visitor.submit("/login/factor", &fields(&bad)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains("value=\"/closed?a=b\""), "{}", again.text);
    let done = visitor.submit("/login/factor", &fields(&steps.code(&app))).await;
    goes_to(&done, "/closed?a=b");
    assert_eq!(me(&visitor).await, StatusCode::OK);
    goes_to(&visitor.browse("/login/factor?next=/x").await, "/login?next=/x");
}

#[tokio::test]
async fn a_recovery_code_has_a_form_of_its_own() {
    let steps = Steps::start().await;
    let Member { recovery_codes, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    goes_to(&visitor.submit("/login", &LOGIN).await, "/login/factor");
    let page = visitor.browse("/login/factor?factor=recovery_codes").await.text;
    assert!(page.contains("value=\"recovery_codes\"") && page.contains("?factor=totp"), "{page}");
    // What names no factor of theirs gets the usual form.
    for other in ["passkey", "%3Cscript%3E", ""] {
        let page = visitor.browse(&format!("/login/factor?factor={other}")).await.text;
        assert!(page.contains("value=\"totp\"") && !page.contains("<script"), "{page}");
    }
    let code = recovery_codes[0].to_uppercase().replace('-', " ");
    goes_to(&visitor.submit("/login/factor", &[("factor", "recovery_codes"), ("code", &code)]).await, "/");
}

#[tokio::test]
async fn the_way_back_is_on_this_site_only() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let [name, password] = LOGIN;
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let visitor = steps.visitor();
        goes_to(&visitor.submit("/login", &[name, password, ("next", next)]).await, "/login/factor");
        let page = visitor.browse(&format!("/login/factor?next={next}")).await.text;
        assert!(!page.contains("evil") && !page.contains("javascript"), "{page}");
        let code = steps.code(&app);
        let done = visitor.submit("/login/factor", &[("factor", "totp"), ("code", &code), ("next", next)]).await;
        goes_to(&done, "/");
        let page = visitor.browse(&format!("/reauthenticate?next={next}")).await.text;
        assert!(!page.contains("evil") && !page.contains("javascript"), "{page}");
        goes_to(&visitor.submit("/reauthenticate", &[password, ("next", next)]).await, "/login/factor");
    }
}

#[tokio::test]
async fn a_login_that_was_given_up_begins_anew() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.visitor();
    goes_to(&visitor.submit("/login", &LOGIN).await, "/login/factor");
    let bad = wrong(&app, &steps.site.clock);
    let fields = [("factor", "totp"), ("code", bad.as_str()), ("next", "/closed")];
    for _ in 0..4 {
        assert_eq!(visitor.submit("/login/factor", &fields).await.status, StatusCode::UNAUTHORIZED);
    }
    goes_to(&visitor.submit("/login/factor", &fields).await, "/login?next=/closed");
    goes_to(&visitor.submit("/login/factor", &fields).await, "/login?next=/closed");

    goes_to(&visitor.submit("/login", &LOGIN).await, "/login/factor");
    let waits = visitor.submit("/login/factor", &fields).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(waits.header("retry-after").is_some() && waits.text.contains("name=\"code\""), "{}", waits.text);
}

#[tokio::test]
async fn another_sites_form_takes_no_step() {
    let steps = Steps::start().await;
    let Member { visitor: alice, app, .. } = steps.member("alice").await;
    let waiting = steps.visitor();
    goes_to(&waiting.submit("/login", &LOGIN).await, "/login/factor");
    let code = steps.code(&app);
    for (visitor, path, fields) in [
        (&waiting, "/login/factor", vec![("factor", "totp"), ("code", code.as_str())]),
        (&alice, "/reauthenticate", vec![("password", PASSWORD)]),
        (&alice, "/factors/totp", vec![]),
        (&alice, "/factors/recovery-codes", vec![]),
        (&alice, "/factors/x/remove", vec![]),
        (&alice, "/factors/x/rename", vec![("name", "x")]),
    ] {
        let cookie = visitor.cookie().unwrap();
        let request = || steps.visitor().request(Method::POST, path).header("cookie", &cookie).form(&fields);
        for refused in [request().header("origin", "https://evil.example"), request()] {
            assert_eq!(visitor.send(refused).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(me(&alice).await, StatusCode::OK);
}

/// An old browser says nothing of where a form comes from: its token does.
#[tokio::test]
async fn forms_of_old_browsers_bring_their_tokens() {
    let steps = Steps::start().await;
    let Member { visitor: alice, .. } = steps.member("alice").await;
    let page = alice.browse("/factors").await.text;
    let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = |token: &str| alice.request(Method::POST, "/factors/recovery-codes").form(&[("csrf_token", token)]);
    assert_eq!(alice.send(request(&token[1..])).await.status, StatusCode::FORBIDDEN);
    let made = alice.send(request(token)).await;
    assert_eq!((made.status, made.text.matches("<code>").count()), (StatusCode::OK, 10), "{}", made.text);
}

#[tokio::test]
async fn the_pages_stand_beside_the_login_page() {
    let steps = Steps::with(|builder| builder.login_url("/accounts/login")).await;
    let Member { visitor, .. } = steps.member("alice").await;
    steps.site.clock.advance(TimeDelta::minutes(6));
    goes_to(&visitor.submit("/factors/totp", &[]).await, "/accounts/reauthenticate?next=/accounts/factors");
    goes_to(&steps.visitor().submit("/login", &LOGIN).await, "/accounts/login/factor");
}
