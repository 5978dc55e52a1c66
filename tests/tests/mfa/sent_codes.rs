//! Codes that are sent by mail and as text messages, on every store.

use std::sync::Arc;
use std::time::Duration;

use auth::BoxFuture;
use auth::audit::Origin;
use auth::mail::{Mail, MailError, Mailer, Outbox};
use auth::mfa::{AuthMethods, Factor, FactorKind, FactorProof, MFAAuthentication, MfaError, SendCodeOutcome, SentCode};
use auth::records::{DynRecordStore, RecordKind};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use chrono::TimeDelta;
use tokio::task::JoinSet;

const SECRET: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";
const USER: &str = "7";
const LOGIN: &str = "login 1";
const NUMBER: &str = "+4915112345678";
const ADDRESS: &str = "ann@example.com";
const KINDS: [RecordKind; 2] = [RecordKind::new("mfa_factor"), RecordKind::new("mfa_code")];

/// One of the servers, and what it sends.
#[derive(Clone)]
struct Server {
    mfa: MFAAuthentication,
    outbox: Outbox,
}

fn from(source: &str) -> Origin {
    Origin::source(source.parse().ok())
}

fn here() -> Origin {
    from("198.51.100.7")
}

fn plain(store: &DynRecordStore, clock: &ManualClock, secret: SecretKey) -> MFAAuthentication {
    MFAAuthentication::over("Example", store.clone(), secret, Arc::new(clock.clone()))
}

fn sent(outcome: SendCodeOutcome) -> SentCode {
    match outcome {
        SendCodeOutcome::Sent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

impl Server {
    fn new(store: &DynRecordStore, clock: &ManualClock) -> Self {
        Self::with_secret(store, clock, SecretKey::new(SECRET).unwrap())
    }

    fn with_secret(store: &DynRecordStore, clock: &ManualClock, secret: SecretKey) -> Self {
        let outbox = Outbox::new();
        let mfa = plain(store, clock, secret).with_mail_codes(Arc::new(outbox.clone()));
        Self { mfa: mfa.with_sms_codes(Arc::new(outbox.clone())), outbox }
    }

    /// The code that has just been sent.
    fn code(&self) -> String {
        let texts = self.outbox.take_messages().into_iter().map(|message| message.text);
        let text = texts.chain(self.outbox.take_mail().into_iter().map(|mail| mail.text)).last().unwrap();
        let code = text.split(' ').next().unwrap();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
        code.to_owned()
    }

    async fn confirm(&self, sent: SendCodeOutcome) -> Factor {
        let SentCode { challenge, .. } = self::sent(sent);
        let code = self.code();
        self.mfa.confirm_sent_code(USER, LOGIN, &challenge, &code.as_str().into()).await.unwrap().unwrap()
    }

    async fn phone(&self) -> Factor {
        self.confirm(self.mfa.enrol_sms_codes(USER, LOGIN, "my phone", NUMBER, &here()).await.unwrap()).await
    }

    async fn address(&self) -> Factor {
        self.confirm(self.mfa.enrol_mail_codes(USER, LOGIN, "my mail", ADDRESS, &here()).await.unwrap()).await
    }

    /// A code for this login: its challenge, and the code.
    async fn ask(&self, login: &str, factor: &Factor) -> (String, String) {
        let outcome = self.mfa.send_code(USER, login, &factor.id, &here()).await.unwrap();
        (sent(outcome).challenge, self.code())
    }

    async fn proves(&self, user: &str, login: &str, challenge: &str, code: &str) -> Option<AuthMethods> {
        let proof = FactorProof::SentCode { challenge: challenge.to_owned(), code: code.into() };
        self.mfa.verify(user, login, &proof).await.unwrap()
    }
}

/// Another code than this.
fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn a_code_is_right_once(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let (phone, address) = (server.phone().await, server.address().await);
    assert_eq!((phone.kind, phone.name.as_str()), (FactorKind::SmsCode, "my phone"));
    assert_eq!((address.kind, address.name.as_str()), (FactorKind::MailCode, "my mail"));
    assert_eq!(server.mfa.required(USER).await.unwrap(), [FactorKind::MailCode, FactorKind::SmsCode]);
    clock.advance(TimeDelta::hours(1));
    for (factor, methods) in [(&phone, AuthMethods::SMS_CODE), (&address, AuthMethods::MAIL_CODE)] {
        let (challenge, code) = server.ask(LOGIN, factor).await;
        let typed = format!(" {} {} ", &code[..3], &code[3..]);
        assert_eq!(server.proves(USER, LOGIN, &challenge, &typed).await, Some(methods));
        assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, None);
    }
    let used = server.mfa.factors(USER).await.unwrap();
    assert!(used.iter().all(|factor| factor.last_used_at > Some(factor.created_at)), "{used:?}");
}

async fn a_message_says_what_it_is_and_goes_where_it_was_enrolled(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let outcome = server.mfa.enrol_sms_codes(USER, LOGIN, "x", "+49 (151) 1234-5678", &here()).await.unwrap();
    assert_eq!(sent(outcome).to, "…78");
    let message = server.outbox.take_messages().pop().unwrap();
    assert_eq!(message.to, NUMBER);
    let outcome = server.mfa.enrol_mail_codes(USER, LOGIN, "x", ADDRESS, &here()).await.unwrap();
    assert_eq!(sent(outcome).to, "a…@example.com");
    let mail = server.outbox.take_mail().pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADDRESS, "Your code for Example"));
    for text in [message.text, mail.text] {
        assert!(text.contains("your code for Example") && text.contains("10 minutes"), "{text}");
    }
}

async fn a_wrong_code_is_none_and_after_five_the_right_one_neither(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let phone = server.phone().await;
    for (wrong, expected) in [(4, Some(AuthMethods::SMS_CODE)), (5, None)] {
        clock.advance(TimeDelta::hours(1));
        let (challenge, code) = server.ask(LOGIN, &phone).await;
        for _ in 0..wrong {
            assert_eq!(server.proves(USER, LOGIN, &challenge, &other(&code)).await, None);
        }
        assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, expected, "{wrong}");
    }
}

async fn a_code_lives_ten_minutes(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let phone = server.phone().await;
    for (seconds, expected) in [(599, Some(AuthMethods::SMS_CODE)), (600, None)] {
        clock.advance(TimeDelta::hours(1));
        let (challenge, code) = server.ask(LOGIN, &phone).await;
        clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, expected, "{seconds}");
    }
}

async fn a_code_is_for_its_user_and_its_attempt(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let phone = server.phone().await;
    let (challenge, code) = server.ask(LOGIN, &phone).await;
    for (user, login, challenge) in [
        ("8", LOGIN, challenge.as_str()),
        (USER, "login 2", &challenge),
        (USER, LOGIN, "another"),
        ("", "", &challenge),
    ] {
        assert_eq!(server.proves(user, login, challenge, &code).await, None, "{user} {login} {challenge}");
    }
    // It is for a login, and enrols nothing.
    let enrolled = server.mfa.confirm_sent_code(USER, LOGIN, &challenge, &code.as_str().into()).await.unwrap();
    assert_eq!(enrolled, None);
    assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, Some(AuthMethods::SMS_CODE));
    // Another user's factor is nobody's.
    let outcome = server.mfa.send_code("8", LOGIN, &phone.id, &here()).await.unwrap();
    assert_eq!((outcome, server.outbox.take_messages()), (SendCodeOutcome::NoFactor, vec![]));
}

async fn a_code_that_enrols_is_none_for_a_login(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let outcome = server.mfa.enrol_sms_codes(USER, LOGIN, "my phone", NUMBER, &here()).await.unwrap();
    let (challenge, code) = (sent(outcome).challenge, server.code());
    let confirm = |user: &'static str, attempt: &'static str| {
        let (mfa, challenge, code) = (&server.mfa, &challenge, code.as_str().into());
        async move { mfa.confirm_sent_code(user, attempt, challenge, &code).await.unwrap() }
    };
    assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, None);
    assert_eq!((confirm("8", LOGIN).await, confirm(USER, "login 2").await), (None, None));
    assert_eq!(server.mfa.factors(USER).await.unwrap(), []);
    assert!(confirm(USER, LOGIN).await.is_some());
    assert_eq!(confirm(USER, LOGIN).await, None);
    assert_eq!(server.mfa.factors(USER).await.unwrap().len(), 1);
}

async fn of_many_at_once_one_is_right(store: DynRecordStore, clock: ManualClock) {
    let servers = [Server::new(&store, &clock), Server::new(&store, &clock)];
    let phone = servers[0].phone().await;
    let (challenge, code) = servers[0].ask(LOGIN, &phone).await;
    let mut all = JoinSet::new();
    for server in servers.iter().cycle().take(50) {
        let server = server.clone();
        let (challenge, code) = (challenge.clone(), code.clone());
        all.spawn(async move { server.proves(USER, LOGIN, &challenge, &code).await });
    }
    assert_eq!(all.join_all().await.into_iter().flatten().count(), 1);
}

async fn of_many_at_once_five_are_tries(store: DynRecordStore, clock: ManualClock) {
    let servers = [Server::new(&store, &clock), Server::new(&store, &clock)];
    let phone = servers[0].phone().await;
    let (challenge, code) = servers[0].ask(LOGIN, &phone).await;
    let mut all = JoinSet::new();
    for server in servers.iter().cycle().take(50) {
        let server = server.clone();
        let (challenge, code) = (challenge.clone(), other(&code));
        all.spawn(async move { server.proves(USER, LOGIN, &challenge, &code).await });
    }
    assert_eq!(all.join_all().await.into_iter().flatten().count(), 0);
    assert_eq!(servers[1].proves(USER, LOGIN, &challenge, &code).await, None);
}

async fn a_newer_code_takes_the_place_of_the_older(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let (phone, address) = (server.phone().await, server.address().await);
    clock.advance(TimeDelta::hours(1));
    for newer in [&phone, &address] {
        let (old_challenge, old) = server.ask(LOGIN, &phone).await;
        let (challenge, code) = server.ask(LOGIN, newer).await;
        assert_eq!(server.proves(USER, LOGIN, &old_challenge, &old).await, None);
        assert_eq!(server.proves(USER, LOGIN, &old_challenge, &code).await, None);
        assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, Some(newer.kind.into()));
        clock.advance(TimeDelta::hours(1));
    }
    // Another login's is another code.
    let (first, code) = server.ask(LOGIN, &phone).await;
    server.ask("login 2", &phone).await;
    assert_eq!(server.proves(USER, LOGIN, &first, &code).await, Some(AuthMethods::SMS_CODE));
}

async fn of_two_that_are_sent_at_once_one_counts(store: DynRecordStore, clock: ManualClock) {
    let servers = [Server::new(&store, &clock), Server::new(&store, &clock)];
    let phone = servers[0].phone().await;
    let (one, two) = tokio::join!(servers[0].ask(LOGIN, &phone), servers[1].ask(LOGIN, &phone));
    let mut right = Vec::new();
    for (challenge, code) in [one, two] {
        right.extend(servers[0].proves(USER, LOGIN, &challenge, &code).await);
    }
    assert_eq!(right, [AuthMethods::SMS_CODE]);
}

async fn a_code_is_none_once_its_factor_is_gone(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let phone = server.phone().await;
    let (challenge, code) = server.ask(LOGIN, &phone).await;
    server.mfa.remove(USER, &phone.id).await.unwrap();
    assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, None);
    assert_eq!(server.mfa.send_code(USER, LOGIN, &phone.id, &here()).await.unwrap(), SendCodeOutcome::NoFactor);
}

async fn nothing_secret_is_kept_or_shown(store: DynRecordStore, clock: ManualClock) {
    let server = Server::new(&store, &clock);
    let (phone, address) = (server.phone().await, server.address().await);
    let outcome = server.mfa.send_code(USER, "the session's key", &phone.id, &here()).await.unwrap();
    let code = server.code();
    let mut kept = format!("{:?} {outcome:?} {phone:?} {address:?}", server.mfa);
    for kind in KINDS {
        for (id, record) in store.owned(kind, USER).await.unwrap() {
            kept.extend([" ", &id, " ", std::str::from_utf8(&record.value).unwrap()]);
        }
    }
    // The newest code of each kind and both factors were looked through.
    assert_eq!(kept.matches("\"tries\"").count(), 2, "{kept}");
    assert_eq!(kept.matches("\"created_at\"").count(), 2, "{kept}");
    for secret in [code.as_str(), NUMBER, "15112345678", ADDRESS, "ann@", "the session's key"] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}

async fn an_older_secret_still_opens_and_a_foreign_one_sends_nothing(store: DynRecordStore, clock: ManualClock) {
    let phone = Server::new(&store, &clock).phone().await;
    let newer = Server::with_secret(&store, &clock, SecretKey::random().with_fallback(SECRET).unwrap());
    let (challenge, code) = newer.ask(LOGIN, &phone).await;
    assert_eq!(newer.proves(USER, LOGIN, &challenge, &code).await, Some(AuthMethods::SMS_CODE));
    let foreign = Server::with_secret(&store, &clock, SecretKey::random());
    let error = foreign.mfa.send_code(USER, LOGIN, &phone.id, &here()).await.unwrap_err();
    assert!(matches!(error, MfaError::Damaged), "{error:?}");
    assert_eq!(foreign.outbox.take_messages(), []);
}

crate::records::tests_on_every_store!(
    a_code_is_right_once,
    a_message_says_what_it_is_and_goes_where_it_was_enrolled,
    a_wrong_code_is_none_and_after_five_the_right_one_neither,
    a_code_lives_ten_minutes,
    a_code_is_for_its_user_and_its_attempt,
    a_code_that_enrols_is_none_for_a_login,
    of_many_at_once_one_is_right,
    of_many_at_once_five_are_tries,
    a_newer_code_takes_the_place_of_the_older,
    of_two_that_are_sent_at_once_one_counts,
    a_code_is_none_once_its_factor_is_gone,
    nothing_secret_is_kept_or_shown,
    an_older_secret_still_opens_and_a_foreign_one_sends_nothing,
);

fn here_in_memory() -> (Server, DynRecordStore, ManualClock) {
    let (store, clock, ()) = crate::records::memory();
    (Server::new(&store, &clock), store, clock)
}

#[tokio::test]
async fn a_user_gets_three_at_once_and_then_one_in_five_minutes() {
    let (server, _, clock) = here_in_memory();
    let phone = server.phone().await;
    clock.advance(TimeDelta::hours(1));
    let mut last = (String::new(), String::new());
    for _ in 0..3 {
        last = server.ask(LOGIN, &phone).await;
    }
    let origin = here();
    let again = |login: &'static str| server.mfa.send_code(USER, login, &phone.id, &origin);
    let five = SendCodeOutcome::Wait(Duration::from_mins(5));
    // In another login too.
    assert_eq!((again(LOGIN).await.unwrap(), again("login 2").await.unwrap()), (five.clone(), five));
    assert_eq!(server.outbox.take_messages(), []);
    // What was sent before counts still.
    assert_eq!(server.proves(USER, LOGIN, &last.0, &last.1).await, Some(AuthMethods::SMS_CODE));
    clock.advance(TimeDelta::minutes(4));
    assert_eq!(again(LOGIN).await.unwrap(), SendCodeOutcome::Wait(Duration::from_mins(1)));
    clock.advance(TimeDelta::minutes(1));
    sent(again(LOGIN).await.unwrap());
}

#[tokio::test]
async fn a_place_gets_sixty_at_once_whoever_it_asks_for() {
    let (server, ..) = here_in_memory();
    let ask = async |n: u32, source: &str| {
        let number = format!("+4915112{n:06}");
        server.mfa.enrol_sms_codes(&n.to_string(), LOGIN, "x", &number, &from(source)).await.unwrap()
    };
    for n in 0..60 {
        sent(ask(n, &format!("2001:db8::{n:x}")).await);
    }
    assert_eq!(ask(60, "2001:db8::ffff").await, SendCodeOutcome::Wait(Duration::from_secs(10)));
    sent(ask(60, "2001:db8:0:1::1").await);
}

#[tokio::test]
async fn a_number_that_others_claim_is_sent_three_and_its_owner_still_logs_in() {
    let (server, _, clock) = here_in_memory();
    let phone = server.phone().await;
    clock.advance(TimeDelta::days(1));
    let claim = async |n: u32| {
        let origin = from(&format!("198.51.100.{n}"));
        server.mfa.enrol_sms_codes(&format!("claims {n}"), LOGIN, "x", NUMBER, &origin).await.unwrap()
    };
    for n in 0..3 {
        sent(claim(n).await);
    }
    assert_eq!(claim(3).await, SendCodeOutcome::Wait(Duration::from_hours(1)));
    let (challenge, code) = server.ask(LOGIN, &phone).await;
    assert_eq!(server.proves(USER, LOGIN, &challenge, &code).await, Some(AuthMethods::SMS_CODE));
}

/// Sends nothing for as long as it is told to.
#[derive(Debug)]
struct Broken;

impl Mailer for Broken {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(std::future::ready(Err("the mail server is down".into())))
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_and_does_not_count() {
    let (store, clock, ()) = crate::records::memory();
    let mfa = plain(&store, &clock, SecretKey::random()).with_mail_codes(Arc::new(Broken));
    for _ in 0..10 {
        let error = mfa.enrol_mail_codes(USER, LOGIN, "x", ADDRESS, &here()).await.unwrap_err();
        assert!(matches!(error, MfaError::Failed(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_application_does_not_allow_is_not_sent() {
    let (server, store, clock) = here_in_memory();
    let (phone, address) = (server.phone().await, server.address().await);
    let none = plain(&store, &clock, SecretKey::new(SECRET).unwrap());
    for (kind, factor) in [(FactorKind::SmsCode, &phone), (FactorKind::MailCode, &address)] {
        assert!(server.mfa.sends(kind) && !none.sends(kind));
        assert_eq!(none.send_code(USER, LOGIN, &factor.id, &here()).await.unwrap(), SendCodeOutcome::NoFactor);
    }
    for enrolled in [
        none.enrol_mail_codes(USER, LOGIN, "x", ADDRESS, &here()).await,
        none.enrol_sms_codes(USER, LOGIN, "x", NUMBER, &here()).await,
    ] {
        assert!(matches!(enrolled, Err(MfaError::Configuration(_))), "{enrolled:?}");
    }
    // They are required all the same: a setting that is gone lets nobody in.
    assert_eq!(none.required(USER).await.unwrap(), [FactorKind::MailCode, FactorKind::SmsCode]);
}

#[tokio::test]
async fn what_cannot_be_enrolled_is_refused_before_anything_is_sent() {
    let (server, ..) = here_in_memory();
    for (name, number) in [("", NUMBER), ("x", "0151 12345678"), ("x", "+49151\r\n2345678"), ("a\nb", NUMBER)] {
        let error = server.mfa.enrol_sms_codes(USER, LOGIN, name, number, &here()).await.unwrap_err();
        assert!(matches!(error, MfaError::Invalid(_)), "{error:?}");
    }
    for address in ["", "nobody", "a@b\r\nBcc: c@d", "a@b,c@d"] {
        let error = server.mfa.enrol_mail_codes(USER, LOGIN, "x", address, &here()).await.unwrap_err();
        assert!(matches!(error, MfaError::Invalid(_)), "{error:?}");
    }
    assert_eq!((server.outbox.take_mail(), server.outbox.take_messages()), (vec![], vec![]));
}

#[tokio::test]
async fn a_store_that_fails_proves_nothing() {
    let (store, _keep) = crate::records::broken().await;
    let server = Server::new(&store, &ManualClock::new());
    let proof = FactorProof::SentCode { challenge: "x".into(), code: "123456".into() };
    assert!(matches!(server.mfa.verify(USER, LOGIN, &proof).await, Err(MfaError::Store(_))));
    let enrolled = server.mfa.enrol_sms_codes(USER, LOGIN, "x", NUMBER, &here()).await;
    assert!(matches!(enrolled, Err(MfaError::Store(_))), "{enrolled:?}");
    assert_eq!(server.outbox.take_messages(), []);
}
