//! What people type and authenticators answer: secrets, codes, names, numbers, passkeys.

use std::sync::Arc;

use auth::audit::Origin;
use auth::clock::Clock as _;
use auth::mail::Outbox;
use auth::mfa::{MFAAuthentication, Totp, TotpConfig};
use auth::records::InMemoryRecordStore;
use auth::secret::{SecretKey, SecretString};
use auth::testing::ManualClock;
use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::{block_on, lines};

const ATTEMPT: &str = "attempt";

/// A secret, a code, a number, an account's name, a passkey's client data, its answer: a line each.
pub fn run(data: &[u8]) {
    let Some([secret, code, number, account, client, answer]) = lines(data) else { return };
    totp(secret, code);
    block_on(async {
        let (clock, outbox) = (Arc::new(ManualClock::new()), Arc::new(Outbox::new()));
        let store = Arc::new(InMemoryRecordStore::with_clock(clock.clone()));
        let key = SecretKey::new("qwertyuiopasdfghjklzxcvbnm0123456789").expect("it is long enough");
        let mfa = MFAAuthentication::over("My App", store, key, clock.clone())
            .with_relying_party(["https://site.example"])
            .with_sms_codes(outbox.clone());
        enrol(&mfa, &clock).await;
        enrolment(&mfa, account).await;
        sent_codes(&mfa, &outbox, number, code).await;
        let codes = mfa.generate_recovery_codes("ada").await.expect("codes");
        assert_eq!(mfa.verify_recovery_code("ada", code).await.ok(), Some(false), "nobody guesses it");
        let spelt = codes[0].expose().to_uppercase().replace('-', " ");
        assert_eq!(mfa.verify_recovery_code("ada", &spelt).await.ok(), Some(true), "however it is typed");
        passkeys(&mfa, client, answer).await;
    });
}

fn totp(secret: &str, code: &str) {
    let Some(totp) = Totp::from_base32(secret, TotpConfig::default()) else { return };
    let now = ManualClock::new().now();
    let again = Totp::from_base32(totp.base32().expose(), TotpConfig::default()).expect("what was written");
    assert_eq!(again.base32(), totp.base32(), "a secret has one canonical text");
    assert_eq!(again.code_at(now), totp.code_at(now));
    if let Some(step) = totp.step_of(code, now, None) {
        assert_eq!(totp.hotp(step).expose(), code.replace(' ', ""), "only digits and spaces");
        assert!(step.abs_diff(totp.step_at(now)) <= 1);
        assert_eq!(totp.step_of(code, now, Some(step)).filter(|next| *next <= step), None, "a code is used once");
    }
}

/// An authenticator app of ada's, in force.
pub(crate) async fn enrol(mfa: &MFAAuthentication, clock: &ManualClock) {
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada").await.expect("an enrolment");
    let app = Totp::from_base32(enrolment.secret.expose(), TotpConfig::default()).expect("a secret");
    let code = app.code_at(clock.now());
    let factor = mfa.confirm_totp("ada", ATTEMPT, &enrolment.challenge, code.expose(), "Phone").await;
    assert!(matches!(factor, Ok(Some(_))));
}

/// Whatever the account is called, the URL names it and says nothing else.
async fn enrolment(mfa: &MFAAuthentication, account: &str) {
    let Ok(enrolment) = mfa.register_user("ada", ATTEMPT, account).await else { return };
    let url = url::Url::parse(enrolment.url.expose()).expect("a URL");
    let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
    assert_eq!((url.scheme(), url.host_str(), url.fragment()), ("otpauth", Some("totp"), None));
    assert_eq!(url.path().matches(':').count(), 1);
    assert!(enrolment.url.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    let app = Totp::from_base32(enrolment.secret.expose(), TotpConfig::default()).expect("a secret");
    assert_eq!(url.query_pairs().next().expect("a secret").1, app.base32().expose());
}

async fn sent_codes(mfa: &MFAAuthentication, outbox: &Outbox, number: &str, code: &str) {
    let started = mfa.enrol_sms_codes("ada", ATTEMPT, "Phone", number, &Origin::default()).await;
    let sent = outbox.take_messages();
    assert_eq!(started.is_ok(), sent.len() == 1, "a message goes out, or there is an error");
    for message in sent {
        assert_eq!(message.check(), Ok(()));
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        assert_eq!(digits(&message.to), digits(number), "it goes to the number that was typed");
        let confirmed = mfa.confirm_sent_code("ada", ATTEMPT, code, &SecretString::from(code)).await;
        assert!(matches!(confirmed, Ok(None)), "nobody has seen the challenge");
    }
}

/// `@challenge` in client data is what was asked, `@client` in an answer those data.
async fn passkeys(mfa: &MFAAuthentication, client: &str, answer: &str) {
    let spelt = |asked: &serde_json::Value| {
        let client = client.replace("@challenge", asked["challenge"].as_str().expect("a challenge"));
        answer.replace("@client", &Base64UrlUnpadded::encode_string(client.as_bytes()))
    };
    let asked = mfa.start_passkey_registration("ada", "ada", "Ada", ATTEMPT).await.expect("there is an origin");
    let made =
        mfa.finish_passkey_registration("ada", ATTEMPT, &asked.challenge, &spelt(&asked.public_key), "Key").await;
    if let Ok(Some(_)) = made {
        let client: serde_json::Value = serde_json::from_str(client).expect("what is accepted is JSON");
        assert_eq!((&client["type"], &client["challenge"]), (&"webauthn.create".into(), &"@challenge".into()));
        assert_eq!(client["origin"], "https://site.example");
    }
    let again =
        mfa.finish_passkey_registration("ada", ATTEMPT, &asked.challenge, &spelt(&asked.public_key), "Key").await;
    assert!(matches!(again, Ok(None)), "a challenge is answered once");
    let asked = mfa.start_passkey_login(ATTEMPT).await.expect("there is an origin");
    let found = mfa.verify_passkey_login(ATTEMPT, &asked.challenge, &spelt(&asked.public_key)).await;
    assert!(matches!(found, Ok(None)), "nobody signed: {found:?}");
}
