//! Passkeys by an authenticator that does whatever a test wants (WebAuthn Level 3 §7).

use auth::mfa::{AuthMethods, Factor, FactorProof, MFAAuthentication, MfaError, PasskeyChallenge};
use auth::records::DynRecordStore;
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth_tests::{TestAuthenticator, TestPasskey};
use chrono::TimeDelta;
use futures_util::future::join_all;
use std::sync::Arc;

use crate::fixture::CHALLENGE;
use crate::records::tests_on_every_store;

const ORIGIN: &str = "https://blog.example";

fn both() -> AuthMethods {
    AuthMethods::PASSKEY | AuthMethods::USER_VERIFIED
}

/// The factors of a site, and a browser on one of its pages.
struct Site {
    mfa: MFAAuthentication,
    browser: TestAuthenticator,
}

impl Site {
    fn over(store: DynRecordStore, clock: ManualClock) -> Self {
        let mfa = MFAAuthentication::over("Blog", store, SecretKey::random(), Arc::new(clock));
        Self { mfa: mfa.with_relying_party([ORIGIN]), browser: TestAuthenticator::at(ORIGIN) }
    }

    async fn start(&self, user_id: &str) -> PasskeyChallenge {
        self.mfa.start_passkey_registration(user_id, "alice", "Alice", "session 1").await.unwrap()
    }

    async fn finish(&self, user_id: &str, asked: &PasskeyChallenge, response: &str) -> Option<Factor> {
        let finished =
            self.mfa.finish_passkey_registration(user_id, "session 1", &asked.challenge, response, "Phone").await;
        finished.unwrap()
    }

    /// A passkey of this user.
    async fn passkey(&self, user_id: &str) -> TestPasskey {
        let asked = self.start(user_id).await;
        let (passkey, response) = self.browser.create(&asked.public_key);
        assert!(self.finish(user_id, &asked, &response).await.is_some());
        passkey
    }

    async fn ask(&self, user_id: &str) -> PasskeyChallenge {
        self.mfa.start_passkey_authentication(user_id, "login 1").await.unwrap().unwrap()
    }

    async fn verify(
        &self,
        user_id: &str,
        attempt: &str,
        asked: &PasskeyChallenge,
        response: &str,
    ) -> Option<AuthMethods> {
        let proof = FactorProof::passkey(&asked.challenge, response);
        self.mfa.verify(user_id, attempt, &proof).await.unwrap()
    }

    /// A whole round, by this browser.
    async fn uses(&self, browser: &TestAuthenticator, user_id: &str, passkey: &mut TestPasskey) -> Option<AuthMethods> {
        let asked = self.ask(user_id).await;
        self.verify(user_id, "login 1", &asked, &browser.get(passkey, &asked.public_key)).await
    }

    async fn log_in(&self, browser: &TestAuthenticator, passkey: &mut TestPasskey) -> Option<String> {
        let asked = self.mfa.start_passkey_login("session 2").await.unwrap();
        let response = browser.get(passkey, &asked.public_key);
        let found = self.mfa.verify_passkey_login("session 2", &asked.challenge, &response).await.unwrap();
        found.map(|(user_id, methods)| {
            assert!(methods.is_multi_factor());
            user_id
        })
    }
}

async fn a_passkey_is_two_factors_in_one(store: DynRecordStore, clock: ManualClock) {
    let site = Site::over(store, clock);
    let mut passkey = site.passkey("7").await;
    let asked = site.ask("7").await;
    assert_eq!(asked.public_key["userVerification"], "required");
    let response = site.browser.get(&mut passkey, &asked.public_key);
    assert_eq!(site.verify("7", "login 1", &asked, &response).await, Some(both()));
    assert_eq!(site.verify("7", "login 1", &asked, &response).await, None, "once");
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()), "and again, when it is asked again");
    let factors = site.mfa.factors("7").await.unwrap();
    assert_eq!((factors.len(), factors[0].name.as_str(), factors[0].last_used_at.is_some()), (1, "Phone", true));
}

async fn of_many_who_bring_one_answer_one_gets_in(store: DynRecordStore, clock: ManualClock) {
    let site = Site::over(store, clock);
    let mut passkey = site.passkey("7").await;
    let asked = site.ask("7").await;
    let response = site.browser.get(&mut passkey, &asked.public_key);
    let all = join_all((0..8).map(|_| site.verify("7", "login 1", &asked, &response))).await;
    assert_eq!(all.into_iter().flatten().count(), 1);
}

async fn of_many_who_register_one_credential_one_has_it(store: DynRecordStore, clock: ManualClock) {
    let site = Site::over(store, clock);
    let asked =
        join_all(["1", "2", "3", "4", "5", "6"].map(async |user_id| (user_id, site.start(user_id).await))).await;
    let all = join_all(asked.iter().map(async |(user_id, asked)| {
        let (_, response) = site.browser.create_as(b"the same credential".to_vec(), &asked.public_key);
        site.finish(user_id, asked, &response).await
    }));
    assert_eq!(all.await.into_iter().flatten().count(), 1);
    let kept = join_all(asked.iter().map(async |(user_id, _)| site.mfa.factors(user_id).await.unwrap().len())).await;
    assert_eq!(kept.iter().sum::<usize>(), 1);
}

async fn a_copied_authenticator_is_refused(store: DynRecordStore, clock: ManualClock) {
    let site = Site::over(store, clock);
    let mut passkey = site.passkey("7").await;
    let mut copy = passkey.clone();
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()));
    assert_eq!(site.uses(&site.browser, "7", &mut copy).await, None, "its counter is where the other's was");
    assert_eq!(
        site.log_in(&site.browser, &mut {
            copy.counter = 0;
            copy
        })
        .await,
        None
    );
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()));

    // Both were asked before either answered.
    let mut copy = passkey.clone();
    let (first, second) = (site.ask("7").await, site.ask("7").await);
    let answers = [
        (&first, site.browser.get(&mut passkey, &first.public_key)),
        (&second, site.browser.get(&mut copy, &second.public_key)),
    ];
    let both = join_all(answers.iter().map(|(asked, response)| site.verify("7", "login 1", asked, response))).await;
    assert_eq!(both.into_iter().flatten().count(), 1);
}

tests_on_every_store!(
    a_passkey_is_two_factors_in_one,
    of_many_who_bring_one_answer_one_gets_in,
    of_many_who_register_one_credential_one_has_it,
    a_copied_authenticator_is_refused,
);

fn site() -> (Site, ManualClock) {
    let (store, clock, ()) = crate::records::memory();
    (Site::over(store, clock.clone()), clock)
}

#[tokio::test]
async fn an_answer_counts_for_its_user_attempt_and_purpose_only() {
    let (site, _) = site();
    let mut passkey = site.passkey("7").await;
    let mut others = site.passkey("8").await;
    for (user_id, attempt) in [("8", "login 1"), ("7", "login 2"), ("", "login 1")] {
        let asked = site.ask("7").await;
        let response = site.browser.get(&mut passkey, &asked.public_key);
        assert_eq!(site.verify(user_id, attempt, &asked, &response).await, None, "{user_id} in {attempt}");
    }
    assert_eq!(site.uses(&site.browser, "7", &mut others).await, None, "somebody else's passkey");

    // Asked for a login by a passkey alone, brought as a second factor; and the other way round.
    let asked = site.mfa.start_passkey_login("login 1").await.unwrap();
    let response = site.browser.get(&mut passkey, &asked.public_key);
    assert_eq!(site.verify("7", "login 1", &asked, &response).await, None);
    let asked = site.ask("7").await;
    let response = site.browser.get(&mut passkey, &asked.public_key);
    assert_eq!(site.mfa.verify_passkey_login("login 1", &asked.challenge, &response).await.unwrap(), None);

    // The answer to another challenge.
    let (first, second) = (site.ask("7").await, site.ask("7").await);
    let response = site.browser.get(&mut passkey, &first.public_key);
    assert_eq!(site.verify("7", "login 1", &second, &response).await, None);
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()));
}

#[tokio::test]
async fn a_registration_counts_for_its_user_and_attempt_only() {
    let (site, _) = site();
    let asked = site.start("7").await;
    let (_, response) = site.browser.create(&asked.public_key);
    assert_eq!(site.finish("8", &asked, &response).await, None);
    let elsewhere = site.mfa.finish_passkey_registration("7", "session 2", &asked.challenge, &response, "Phone").await;
    assert_eq!(elsewhere.unwrap(), None);
    for nonsense in ["", "{}", "[]", "null", "{\"id\":\"\"}"] {
        let asked = site.start("7").await;
        assert_eq!(site.finish("7", &asked, nonsense).await, None, "{nonsense}");
    }
    assert_eq!(site.mfa.factors("7").await.unwrap(), []);
}

#[tokio::test]
async fn however_often_a_browser_asks_the_newest_is_kept() {
    let (store, clock, ()) = crate::records::memory();
    let site = Site::over(store.clone(), clock);
    let mut passkey = site.passkey("7").await;
    let older = site.ask("7").await;
    let response = site.browser.get(&mut passkey, &older.public_key);
    for _ in 0..20 {
        drop(site.start("7").await);
        drop(site.ask("7").await);
        drop(site.mfa.start_passkey_login("session 2").await.unwrap());
    }
    assert_eq!(store.count(CHALLENGE).await.unwrap(), 3, "one of each purpose");
    assert_eq!(site.verify("7", "login 1", &older, &response).await, None);
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()));
}

fn wrong_browsers() -> Vec<TestAuthenticator> {
    let right = TestAuthenticator::at(ORIGIN);
    let mut wrong: Vec<_> = ["https://evil.example", "http://blog.example", "https://blog.example:8443"]
        .into_iter()
        .chain(["https://www.blog.example", "https://blog.example.evil.example"])
        .map(TestAuthenticator::at)
        .collect();
    wrong.push(TestAuthenticator { verifies_users: false, ..right.clone() });
    wrong.push(TestAuthenticator { is_embedded: true, ..right });
    wrong
}

#[tokio::test]
async fn another_origin_and_an_unverified_user_are_refused() {
    let (site, _) = site();
    let mut passkey = site.passkey("7").await;
    for browser in wrong_browsers() {
        let asked = site.start("7").await;
        let (_, response) = browser.create(&asked.public_key);
        assert_eq!(site.finish("7", &asked, &response).await, None, "{browser:?}");
        assert_eq!(site.uses(&browser, "7", &mut passkey).await, None, "{browser:?}");
        assert_eq!(site.log_in(&browser, &mut passkey).await, None, "{browser:?}");
    }
    assert_eq!(site.uses(&site.browser, "7", &mut passkey).await, Some(both()));
}

#[tokio::test]
async fn a_passkey_alone_says_who_it_is() {
    let (site, _) = site();
    let (mut alices, mut bobs) = (site.passkey("7").await, site.passkey("8").await);
    assert_eq!(site.log_in(&site.browser, &mut alices).await.as_deref(), Some("7"));
    assert_eq!(site.log_in(&site.browser, &mut bobs).await.as_deref(), Some("8"));

    let silent = TestAuthenticator { tells_handle: false, ..site.browser.clone() };
    assert_eq!(site.log_in(&silent, &mut alices).await, None);
    assert_eq!(site.uses(&silent, "7", &mut alices).await, Some(both()), "it need not where the user is known");
    let mut claimed = alices.clone();
    claimed.handle.clone_from(&bobs.handle);
    assert_eq!(site.log_in(&site.browser, &mut claimed).await, None);
    assert_eq!(site.uses(&site.browser, "7", &mut claimed).await, None);
    let mut unknown = alices.clone();
    unknown.id = b"somewhere else".to_vec();
    assert_eq!(site.log_in(&site.browser, &mut unknown).await, None);
}

#[tokio::test]
async fn what_is_removed_or_late_is_refused() {
    let (site, clock) = site();
    let mut passkey = site.passkey("7").await;
    for (wait, expected) in [(TimeDelta::seconds(299), Some(both())), (TimeDelta::seconds(300), None)] {
        let asked = site.ask("7").await;
        let response = site.browser.get(&mut passkey, &asked.public_key);
        clock.advance(wait);
        assert_eq!(site.verify("7", "login 1", &asked, &response).await, expected);
    }
    let asked = site.ask("7").await;
    let factor = site.mfa.factors("7").await.unwrap().remove(0);
    assert!(site.mfa.remove("7", &factor.id).await.unwrap().is_some());
    let response = site.browser.get(&mut passkey, &asked.public_key);
    assert_eq!(site.verify("7", "login 1", &asked, &response).await, None);
    assert_eq!(site.log_in(&site.browser, &mut passkey).await, None);
    assert!(site.mfa.start_passkey_authentication("7", "login 1").await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_browser_is_asked_tells_nothing_of_the_user_and_excludes_what_is_there() {
    let (site, _) = site();
    let first = site.start("7").await;
    let (passkey, response) = site.browser.create(&first.public_key);
    assert!(site.finish("7", &first, &response).await.is_some());
    let second = site.start("7").await.public_key;
    assert_eq!(first.public_key["user"]["id"], second["user"]["id"], "one account in the authenticator");
    assert_ne!(first.public_key["user"]["id"], site.start("8").await.public_key["user"]["id"]);
    assert_eq!(passkey.handle.len(), 22, "16 bytes that were drawn");
    assert_eq!(second["excludeCredentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["rp"], serde_json::json!({ "id": "blog.example", "name": "Blog" }));
    assert_eq!(second["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(second["authenticatorSelection"]["residentKey"], "preferred");
    let login = site.mfa.start_passkey_login("session 2").await.unwrap().public_key;
    assert_eq!(login["allowCredentials"], serde_json::json!([]), "nobody is named");
}

#[tokio::test]
async fn without_an_origin_it_is_said_what_to_set() {
    let (store, clock, ()) = crate::records::memory();
    let mfa = MFAAuthentication::over("Blog", store, SecretKey::random(), Arc::new(clock));
    let unset = mfa.start_passkey_registration("7", "alice", "Alice", "session 1").await;
    assert!(matches!(&unset, Err(MfaError::Configuration(text)) if text.contains(".origin(")), "{unset:?}");
    let unset = mfa.with_relying_party(["http://192.0.2.7:3000"]).start_passkey_login("session 1").await;
    assert!(matches!(&unset, Err(MfaError::Configuration(_))), "{unset:?}");
}

#[tokio::test]
async fn a_store_that_fails_is_no_yes() {
    let (store, _keep) = crate::records::broken().await;
    let site = Site::over(store, ManualClock::new());
    assert!(site.mfa.start_passkey_login("session 1").await.is_err());
    assert!(site.mfa.verify("7", "login 1", &FactorProof::passkey("x", "{}")).await.is_err());
    assert!(site.mfa.verify_passkey_login("session 1", "x", "{}").await.is_err());
}
