//! Logins whose second factor is a code that was sent.

use auth::accounts::config::AuthConfig;
use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::mail::Outbox;
use auth::mfa::{AuthMethods, FactorKind, FactorProof, SendCodeOutcome, SentCode};
use auth::prelude::*;
use auth::secret::SecretString;
use auth::testing::TestUser;
use auth::users::Extra;

const PASSWORD: &str = "correct horse battery";

fn sent(outcome: SendCodeOutcome) -> SentCode {
    match outcome {
        SendCodeOutcome::Sent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

fn code(outbox: &Outbox) -> SecretString {
    outbox.take_messages().pop().unwrap().text[..6].into()
}

#[tokio::test]
async fn a_login_goes_on_by_the_code_that_was_sent_for_it() {
    let outbox = Outbox::new();
    let builder = Auth::<TestUser>::builder().config(AuthConfig::new()).sms_codes(outbox.clone());
    let auth = builder.build().await.unwrap();
    let user = auth.users().create_user("ann", Some(PASSWORD), Extra::new()).await.unwrap();
    let (id, origin) = (user.id.to_string(), Origin::source("198.51.100.7".parse().ok()));
    let enrolling = auth.mfa().enrol_sms_codes(&id, "a session", "my phone", "+4915112345678", &origin).await.unwrap();
    let (challenge, enrolled) = (sent(enrolling).challenge, code(&outbox));
    let phone = auth.mfa().confirm_sent_code(&id, "a session", &challenge, &enrolled).await.unwrap().unwrap();

    let log_in = async || {
        let session = auth.new_session();
        let refused = auth.log_in(&session, AuthCredentials::password("ann", PASSWORD), &origin).await.unwrap_err();
        assert!(matches!(refused, AuthenticationError::SecondFactorRequired(_)), "{refused:?}");
        let pending = auth.pending_login(&session).await.unwrap().unwrap();
        assert_eq!(pending.factors, [FactorKind::SmsCode]);
        (session, pending.id)
    };
    let (session, attempt) = log_in().await;
    let (other, _) = log_in().await;
    let challenge = sent(auth.mfa().send_code(&id, &attempt, &phone.id, &origin).await.unwrap()).challenge;
    let proof = FactorProof::SentCode { challenge, code: code(&outbox) };
    // Somebody else who knows the password too does not get in by it.
    let refused = auth.log_in_with_factor(&other, &proof, &origin).await.unwrap_err();
    assert!(matches!(refused, AuthenticationError::InvalidCredentials), "{refused:?}");
    let result = auth.log_in_with_factor(&session, &proof, &origin).await.unwrap();
    let methods = result.principal().auth_methods();
    assert!(methods == AuthMethods::PASSWORD | AuthMethods::SMS_CODE && methods.is_multi_factor(), "{methods:?}");
}
