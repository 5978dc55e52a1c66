//! Codes that are sent by mail and to phones.

use auth::mail::{Mail, Outbox};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Steps, me};

/// A site that sends codes.
struct Sending {
    steps: Steps,
    outbox: Outbox,
}

async fn sending() -> Sending {
    let outbox = Outbox::new();
    let sender = outbox.clone();
    let steps = Steps::with(|builder| builder.mailer(sender.clone()).mail_codes().sms_codes(sender)).await;
    Sending { steps, outbox }
}

/// The six digits of a message.
fn digits(text: &str) -> String {
    text.split_ascii_whitespace().next().unwrap().to_owned()
}

impl Sending {
    /// The mail with codes in it, without what tells of changes.
    fn mail(&self) -> Vec<Mail> {
        self.outbox.take_mail().into_iter().filter(|mail| mail.subject.starts_with("Your code")).collect()
    }

    fn mailed(&self) -> String {
        digits(&self.mail().pop().unwrap().text)
    }

    fn texted(&self) -> String {
        digits(&self.outbox.take_messages().pop().unwrap().text)
    }

    async fn user(&self, name: &str) -> Visitor {
        self.steps.site.create(name, |user| user.email = format!("{name}@example.com")).await;
        let visitor = self.steps.visitor();
        assert_eq!(super::password(&visitor, name).await.status, StatusCode::OK);
        visitor
    }

    async fn with_mail(&self, name: &str) -> Visitor {
        let visitor = self.user(name).await;
        let begun = visitor.post("/factors/mail-code", &json!({})).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let mail = self.mail().pop().unwrap();
        assert_eq!(mail.to, format!("{name}@example.com"));
        let body = json!({ "challenge": begun.json()["challenge"], "code": digits(&mail.text) });
        let added = visitor.post("/factors/sent-code/confirm", &body).await;
        assert_eq!((added.status, &added.json()["factor"]["kind"]), (StatusCode::CREATED, &json!("mail_code")));
        assert_eq!(added.json()["recovery_codes"].as_array().unwrap().len(), 10);
        visitor
    }
}

async fn step(visitor: &Visitor, body: Value) -> Answer {
    visitor.post("/login/factor", &body).await
}

#[tokio::test]
async fn a_code_is_sent_and_brought_back() {
    let sending = sending().await;
    let alice = sending.with_mail("alice").await;
    assert_eq!(alice.get("/two").await.status, StatusCode::OK);
    let visitor = sending.steps.waiting("alice").await;
    let sent = step(&visitor, json!({ "factor": "mail_code" })).await;
    assert_eq!((sent.status, sent.header("cache-control")), (StatusCode::OK, Some("no-store")), "{}", sent.text);
    let (sent, code) = (sent.json(), sending.mailed());
    assert!(!sent["to"].as_str().unwrap().contains("alice@"), "not the whole address: {sent}");
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
    let brought = json!({ "factor": "mail_code", "challenge": sent["challenge"], "code": code });
    // It belongs to the login that it was sent for.
    let other = sending.steps.waiting("alice").await;
    assert_eq!(step(&other, brought.clone()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(step(&visitor, brought.clone()).await.status, StatusCode::OK);
    assert_eq!(me(&visitor).await, StatusCode::OK);
    assert_eq!(step(&sending.steps.waiting("alice").await, brought).await.status, StatusCode::UNAUTHORIZED, "once");
}

#[tokio::test]
async fn nothing_is_sent_where_no_login_waits() {
    let sending = sending().await;
    let alice = sending.with_mail("alice").await;
    sending.mail();
    for visitor in [&sending.steps.visitor(), &alice] {
        assert_eq!(step(visitor, json!({ "factor": "mail_code" })).await.status, StatusCode::UNAUTHORIZED);
    }
    let waiting = sending.steps.waiting("alice").await;
    let none = step(&waiting, json!({ "factor": "sms_code" })).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "she has no such factor");
    let body = json!({ "mfa_token": "auth_login_x", "factor": "mail_code" });
    assert_eq!(waiting.post("/token", &body).await.status, StatusCode::UNAUTHORIZED);
    assert!(sending.mail().is_empty());
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(step(&waiting, json!({ "factor": "mail_code" })).await.status);
    }
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    assert_eq!(sending.mail().len(), statuses.iter().filter(|status| **status == StatusCode::OK).count());
}

#[tokio::test]
async fn programs_get_a_code_for_their_tokens() {
    let sending = sending().await;
    sending.with_mail("alice").await;
    let visitor = sending.steps.visitor();
    let first = visitor.post("/token", &json!({ "username": "alice", "password": PASSWORD })).await.json();
    let body = json!({ "mfa_token": first["mfa_token"], "factor": "mail_code" });
    let sent = visitor.post("/token", &body).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let body = json!({
        "mfa_token": first["mfa_token"], "factor": "mail_code",
        "challenge": sent.json()["challenge"], "code": sending.mailed(),
    });
    let pair = visitor.post("/token", &body).await;
    assert!(pair.json()["access_token"].is_string(), "{}", pair.text);
}

#[tokio::test]
async fn people_have_forms_for_it() {
    let sending = sending().await;
    let alice = sending.user("alice").await;
    let list = alice.browse("/factors").await.text;
    assert!(list.contains("factors/mail-code") && list.contains("name=\"number\""), "{list}");
    let challenge = |page: &Answer| {
        let after = page.text.split("name=\"challenge\" value=\"").nth(1).unwrap_or_else(|| panic!("{}", page.text));
        after.split('"').next().unwrap().to_owned()
    };
    let begun = alice.submit("/factors/sms-code", &[("number", "+49 123 4567-8")]).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    assert!(!begun.text.contains("1234567"), "{}", begun.text);
    let (asked, code) = (challenge(&begun), sending.texted());
    let wrong = alice.submit("/factors/sent-code/confirm", &[("challenge", &asked), ("code", "no")]).await;
    assert_eq!((wrong.status, challenge(&wrong)), (StatusCode::UNPROCESSABLE_ENTITY, asked.clone()));
    let added = alice.submit("/factors/sent-code/confirm", &[("challenge", &asked), ("code", &code)]).await;
    assert_eq!((added.status, added.text.matches("<code>").count()), (StatusCode::OK, 10), "{}", added.text);

    let visitor = sending.steps.visitor();
    let login = [("username", "alice"), ("password", PASSWORD), ("next", "/closed")];
    let at = visitor.submit("/login", &login).await.location().unwrap().to_owned();
    let page = visitor.browse(&format!("{at}&factor=sms_code")).await.text;
    assert!(page.contains("value=\"sms_code\"") && !page.contains("name=\"code\""), "{page}");
    assert!(page.contains("<button>Have a code sent as a text message</button>"), "{page}");
    let path = "/login/factor?factor=sms_code";
    let sent = visitor.submit(path, &[("factor", "sms_code"), ("next", "/closed")]).await;
    assert!(sent.status == StatusCode::OK && sent.text.contains("name=\"code\""), "{}", sent.text);
    let (asked, code) = (challenge(&sent), sending.texted());
    let fields = |code| [("factor", "sms_code"), ("challenge", asked.as_str()), ("code", code), ("next", "/closed")];
    let wrong = visitor.submit(path, &fields("no")).await;
    assert_eq!((wrong.status, challenge(&wrong)), (StatusCode::UNAUTHORIZED, asked.clone()));
    assert_eq!(visitor.submit(path, &fields(&code)).await.location(), Some("/closed"));
    let stranger = sending.steps.visitor().submit(path, &[("factor", "sms_code")]).await;
    assert_eq!(stranger.location(), Some("/login"));
}

#[tokio::test]
async fn they_are_off_unless_the_application_allows_them() {
    let steps = Steps::start().await;
    let visitor = steps.visitor();
    visitor.join("alice").await;
    let page = visitor.browse("/factors").await.text;
    assert!(!page.contains("mail-code") && !page.contains("sms-code"), "{page}");
    for (path, body) in [("/factors/mail-code", json!({})), ("/factors/sms-code", json!({ "number": "+4912345678" }))] {
        assert_eq!(visitor.post(path, &body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let sending = sending().await;
    let nobody = sending.steps.visitor();
    nobody.join("bob").await;
    let refused = nobody.post("/factors/mail-code", &json!({})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "he has no address");
    for number in ["", "12345", "+49 12a", "+491234567890123456789"] {
        let refused = nobody.post("/factors/sms-code", &json!({ "number": number })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
        let page = nobody.submit("/factors/sms-code", &[("number", number)]).await;
        assert_eq!((page.status, page.text.contains("href=\"/factors\"")), (StatusCode::UNPROCESSABLE_ENTITY, true));
    }
}
