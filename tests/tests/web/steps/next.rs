//! Whoever is sent elsewhere on the way to a page ends at that page, and on this site only.

use auth::mail::Outbox;
use auth::mfa::{Totp, TotpConfig};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use chrono::TimeDelta;
use serde_json::json;

use super::{Member, Steps, wrong};
use crate::app::serve;

const LOGIN: [(&str, &str); 2] = [("username", "alice"), ("password", PASSWORD)];
const EVIL: [&str; 4] = ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:evil"];

fn goes_to(answer: &Answer, location: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(location)), "{}", answer.text);
}

fn part<'a>(page: &'a str, before: &str) -> &'a str {
    let after = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    after.split(['"', '<']).next().unwrap()
}

/// Sends the page's form that leads to `path` there, with all that is hidden in it, and with what is filled in.
async fn send(visitor: &Visitor, page: &Answer, action: &str, path: &str, filled: &[(&str, &str)]) -> Answer {
    let forms = page.text.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
    let mut forms = forms.filter(|form| form.contains(&format!("action=\"{action}\"")));
    let form = forms.next().unwrap_or_else(|| panic!("no form for {action} in {}", page.text));
    let hidden = form.split("<input type=\"hidden\" ").skip(1).filter(|input| input.contains("value=\""));
    let fields = hidden.map(|input| (part(input, "name=\""), part(input, "value=\"")));
    visitor.submit(path, &fields.chain(filled.iter().copied()).collect::<Vec<_>>()).await
}

/// Enrols an authenticator app by the pages, with a wrong code first. Gives what comes after the right one.
async fn enrol(steps: &Steps, visitor: &Visitor, list: &str) -> Answer {
    let list = visitor.browse(list).await;
    let begun = send(visitor, &list, "factors/totp", "/factors/totp", &[]).await;
    let app = Totp::from_base32(part(&begun.text, "<code>"), TotpConfig::default()).unwrap();
    let bad = wrong(&app, &steps.site.clock);
    let again = send(visitor, &begun, "totp/confirm", "/factors/totp/confirm", &[("code", &bad)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", again.text);
    let code = steps.code(&app);
    send(visitor, &again, "confirm", "/factors/totp/confirm", &[("code", &code)]).await
}

#[tokio::test]
async fn the_first_factor_opens_the_page_that_demanded_it() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let list = visitor.browse("/two?a=b").await;
    goes_to(&list, "/factors?next=/two%3Fa%3Db");
    let list = list.location().unwrap().to_owned();
    assert!(visitor.browse(&list).await.text.contains("needs a second factor"));
    let added = enrol(&steps, &visitor, &list).await;
    assert_eq!((added.status, added.text.matches("<code>").count()), (StatusCode::OK, 10), "{}", added.text);
    assert_eq!(part(&added.text, "<a href=\""), "/two?a=b");
    assert_eq!(visitor.browse("/two?a=b").await.status, StatusCode::OK);
    // With the second factor come no codes that would have to be read first.
    goes_to(&enrol(&steps, &visitor, &list).await, "/two?a=b");
    // Whoever changes something else gets back to the list, which leads on.
    let page = visitor.browse(&list).await;
    let action = format!("factors/{}", part(&page.text, "action=\"factors/").split('/').next().unwrap());
    let renamed =
        send(&visitor, &page, &format!("{action}/rename"), &format!("/{action}/rename"), &[("name", "x")]).await;
    goes_to(&renamed, &list);
    let page = visitor.browse(&list).await;
    assert!(page.text.contains("<a href=\"/two?a=b\">"), "{}", page.text);
    let codes = send(&visitor, &page, "factors/recovery-codes", "/factors/recovery-codes", &[]).await;
    assert_eq!(part(&codes.text, "<a href=\""), list);
}

#[tokio::test]
async fn a_code_that_is_sent_leads_there_too() {
    let outbox = Outbox::new();
    let sender = outbox.clone();
    let steps = Steps::with(|builder| builder.sms_codes(sender)).await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let list = visitor.browse("/factors?next=/two").await;
    let asked = send(&visitor, &list, "factors/sms-code", "/factors/sms-code", &[("number", "+4912345678")]).await;
    let message = outbox.take_messages().pop().unwrap().text;
    let code = message.split_ascii_whitespace().next().unwrap();
    let added = send(&visitor, &asked, "sent-code/confirm", "/factors/sent-code/confirm", &[("code", code)]).await;
    assert_eq!(part(&added.text, "<a href=\""), "/two");
}

#[tokio::test]
async fn a_login_that_grew_old_on_the_way_is_renewed_on_the_way() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let list = visitor.browse("/factors?next=/two").await;
    steps.site.clock.advance(TimeDelta::minutes(6));
    let old = send(&visitor, &list, "factors/totp", "/factors/totp", &[]).await;
    goes_to(&old, "/reauthenticate?next=/factors%3Fnext%3D/two");
    let proved = visitor.submit(old.location().unwrap(), &[("password", PASSWORD)]).await;
    goes_to(&proved, "/factors?next=/two");
    assert_eq!(part(&enrol(&steps, &visitor, "/factors?next=/two").await.text, "<a href=\""), "/two");
}

/// They have a second factor, and nothing to add: they are asked for it.
#[tokio::test]
async fn whoever_did_not_use_their_factor_is_asked_for_it() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let (mfa, id) = (steps.site.auth.mfa(), steps.site.user("alice").await.id.to_string());
    let added = mfa.register_user(&id, "here", "alice").await.unwrap();
    let app = Totp::from_base32(added.secret.expose(), TotpConfig::default()).unwrap();
    assert!(mfa.confirm_totp(&id, "here", &added.challenge, &steps.code(&app), "Phone").await.unwrap().is_some());
    let mut answer = visitor.browse("/two").await;
    for (location, fields) in [
        ("/factors?next=/two", None),
        ("/reauthenticate?next=/two", Some(vec![("password", PASSWORD)])),
        ("/login/factor?next=/two", Some(vec![("factor", "totp"), ("code", &*steps.code(&app))])),
    ] {
        goes_to(&answer, location);
        answer = match fields {
            None => visitor.browse(location).await,
            Some(fields) => visitor.submit(location, &fields).await,
        };
    }
    goes_to(&answer, "/two");
    assert_eq!(visitor.browse("/two").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_address_of_a_form_counts_as_its_field_does() {
    let steps = Steps::start().await;
    let Member { visitor: alice, app, .. } = steps.member("alice").await;
    let [name, password] = LOGIN;
    let registration = [("username", "bob"), password, ("email", "")];
    goes_to(&steps.visitor().submit("/register?next=/a%3Fb%3Dc", &registration).await, "/login?next=/a%3Fb%3Dc");
    let bob = [("username", "bob"), password];
    goes_to(&steps.visitor().submit("/login?next=/a%3Fb%3Dc", &bob).await, "/a?b=c");
    // The form's own field is the nearer one, if it can be used at all.
    for (field, location) in [("/field", "/field"), ("//evil.example", "/address")] {
        goes_to(&steps.visitor().submit("/login?next=/address", &[bob[0], password, ("next", field)]).await, location);
    }
    let visitor = steps.visitor();
    goes_to(&visitor.submit("/login?next=/a", &[name, password]).await, "/login/factor?next=/a");
    let code = steps.code(&app);
    goes_to(&visitor.submit("/login/factor?next=/a", &[("factor", "totp"), ("code", &code)]).await, "/a");
    goes_to(&alice.submit("/reauthenticate?next=/a", &[password]).await, "/login/factor?next=/a");
    // A program is told who it is, and sent nowhere.
    let body = json!({ "username": "bob", "password": PASSWORD });
    assert_eq!(steps.visitor().post("/login?next=/a", &body).await.json()["username"], "bob");
}

#[tokio::test]
async fn no_way_leads_to_another_site() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    for next in EVIL {
        let list = visitor.browse(&format!("/factors?next={next}")).await;
        assert!(list.status == StatusCode::OK && !list.text.contains("evil"), "{}", list.text);
        let begun = visitor.submit(&format!("/factors/totp?next={next}"), &[("next", next)]).await;
        assert!(begun.status == StatusCode::OK && !begun.text.contains("evil"), "{}", begun.text);
        for path in ["/register", "/login", "/reauthenticate"] {
            let page = visitor.browse(&format!("{path}?next={next}")).await;
            assert!(page.status == StatusCode::OK && !page.text.contains("evil"), "{}", page.text);
        }
        goes_to(&steps.visitor().submit(&format!("/login?next={next}"), &LOGIN).await, "/");
        goes_to(&visitor.submit(&format!("/reauthenticate?next={next}"), &[LOGIN[1], ("next", next)]).await, "/");
    }
    let page = visitor.browse("/factors?next=/%22%3E%3Cscript%3E").await.text;
    assert!(page.contains("value=\"/&quot;&gt;&lt;script&gt;\"") && !page.contains("<script>"), "{page}");
    let added = enrol(&steps, &visitor, "/factors?next=//evil.example").await;
    assert_eq!(part(&added.text, "<a href=\""), "/factors");
    goes_to(&enrol(&steps, &visitor, "/factors?next=//evil.example").await, "/factors");
}

/// The router that another is nested under takes its prefix off before a guard sees the address.
#[tokio::test]
async fn a_page_of_a_nested_router_is_found_again() {
    let steps = Steps::start().await;
    let auth = &steps.site.auth;
    let inner = auth.protected(Router::new().route("/a", get(async || ())));
    let app = Router::new().nest("/in", Router::new().nest("/deep", inner)).merge(auth.routes()).layer(auth.layer());
    let whole = Router::new().nest("/whole", app.clone()).merge(app);
    let visitor = Visitor::new(&serve(whole).await);
    goes_to(&visitor.browse("/in/deep/a?b=c").await, "/login?next=/in/deep/a%3Fb%3Dc");
    goes_to(&visitor.browse("/whole/in/deep/a").await, "/login?next=/whole/in/deep/a");
}
