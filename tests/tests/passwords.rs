//! The hashing service and the choice of hashers, with hashers that count instead of working.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::passwords::{
    Argon2Hasher, Argon2Params, CharacterClass, HashingService, PasswordConfig, PasswordContext, PasswordError,
    PasswordHash, PasswordHasher, PasswordHashers, PasswordProblem, PasswordValidator, Verification,
};
use auth::secret::SecretString;

mod argon2 {
    fn hasher() -> auth::passwords::Argon2Hasher {
        auth::passwords::Argon2Hasher::default()
    }
    auth::password_hasher_suite!(hasher);
}

/// What a [`Spy`] was asked to do.
#[derive(Debug, Default)]
struct Counts {
    checks: AtomicUsize,
    hardenings: AtomicUsize,
}

/// `spy$<strength>$<password>`, for tests only.
#[derive(Clone, Debug, Default)]
struct Spy {
    counts: Arc<Counts>,
}

impl PasswordHasher for Spy {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        Ok(PasswordHash::new(format!("spy$2${password}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        self.counts.checks.fetch_add(1, Ordering::Relaxed);
        Ok(hash.expose().rsplit('$').next() == Some(password))
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        !hash.expose().starts_with("spy$2$")
    }

    fn harden_runtime(&self, _: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        self.counts.hardenings.fetch_add(usize::from(self.needs_rehash(hash)), Ordering::Relaxed);
        Ok(())
    }
}

impl Spy {
    /// Checks and hardenings since the last call.
    fn work(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.counts.checks), take(&self.counts.hardenings))
    }
}

#[test]
fn whatever_is_stored_a_wrong_password_is_worked_on() {
    let (spy, foreign) = (Spy::default(), Spy::default());
    let hashers = PasswordHashers::new(spy.clone()).unwrap().with("foreign", foreign.clone());
    for stored in ["spy$2$right", "", "!random", "unheard_of$1$right", "wrong"] {
        let found = hashers.verify("wrong", &PasswordHash::new(stored)).unwrap();
        assert_eq!((found, spy.work()), (Verification::Wrong, (1, 0)), "{stored}");
    }
    let found = hashers.verify("wrong", &PasswordHash::new("spy$1$right")).unwrap();
    assert_eq!((found, spy.work()), (Verification::Wrong, (1, 1)));
    let found = hashers.verify("wrong", &PasswordHash::new("foreign$1$right")).unwrap();
    assert_eq!((found, spy.work(), foreign.work()), (Verification::Wrong, (0, 1), (1, 0)));
    assert_eq!(hashers.verify_nobody("wrong").unwrap(), Verification::Wrong);
    assert_eq!(spy.work(), (1, 0));
}

#[test]
fn a_right_password_says_whether_to_hash_it_again() {
    let hashers = PasswordHashers::new(Spy::default()).unwrap().with("foreign", Spy::default());
    let verify = |stored: &str| hashers.verify("right", &PasswordHash::new(stored)).unwrap();
    assert_eq!(verify("spy$2$right"), Verification::Correct);
    assert_eq!(verify("spy$1$right"), Verification::CorrectButRehash);
    assert_eq!(verify("foreign$2$right"), Verification::CorrectButRehash);
    assert_eq!(verify("unheard_of$2$right"), Verification::Wrong);
    assert!(verify("spy$1$right").is_correct() && !verify("spy$1$other").is_correct());
}

#[test]
fn registered_hashers_check_what_the_preferred_one_does_not_know() {
    let hashers = PasswordHashers::new(Spy::default()).unwrap();
    // Django's `argon2id-spaces` and the reference implementation's `test.c`.
    let django =
        "argon2$argon2id$v=19$m=64,t=1,p=1$bzhPMEFvOVhpb2QwUXdCM3E4NFB2aQ$ezLdYiN57/Tfzb6HFuo3LA16mXaU56+V4yboi1eeZCo";
    let reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for (password, stored) in [(" trailing and leading ", django), ("password", reference)] {
        let found = hashers.verify(password, &PasswordHash::new(stored)).unwrap();
        assert_eq!(found, Verification::CorrectButRehash, "{stored}");
        let found = hashers.verify("other", &PasswordHash::new(stored)).unwrap();
        assert_eq!(found, Verification::Wrong, "{stored}");
    }
}

#[test]
fn no_secret_is_shown() {
    let hashers = PasswordHashers::new(Argon2Hasher::default()).unwrap();
    let shown = format!("{hashers:?} {:?}", HashingService::shared());
    assert!(!shown.contains("$argon2id"), "{shown}");
}

/// Announces each check and waits to be let through; panics if told to.
#[derive(Clone, Debug)]
struct Gate {
    begun: Sender<String>,
    open: Arc<Mutex<Receiver<bool>>>,
}

impl PasswordHasher for Gate {
    fn hash(&self, _: &str) -> Result<PasswordHash, PasswordError> {
        Ok(PasswordHash::new("gate$"))
    }

    fn verify(&self, password: &str, _: &PasswordHash) -> Result<bool, PasswordError> {
        self.begun.send(password.to_owned()).unwrap();
        let pass = self.open.lock().unwrap().recv().unwrap();
        assert!(pass, "told to panic");
        Ok(true)
    }

    fn needs_rehash(&self, _: &PasswordHash) -> bool {
        false
    }
}

struct Gated {
    service: HashingService,
    hashers: Arc<PasswordHashers>,
    begun: Receiver<String>,
    open: Sender<bool>,
}

type Answer = tokio::task::JoinHandle<Result<Verification, PasswordError>>;

impl Gated {
    /// One thread, which stands before a gate.
    fn new(waiting: usize, deadline: Duration) -> Self {
        let ((begun_sender, begun), (open, open_receiver)) = (channel(), channel());
        let gate = Gate { begun: begun_sender, open: Arc::new(Mutex::new(open_receiver)) };
        Self {
            service: HashingService::builder().threads(1).waiting(waiting).deadline(deadline).build(),
            hashers: Arc::new(PasswordHashers::new(gate).unwrap()),
            begun,
            open,
        }
    }

    fn ask(&self, password: &str) -> Answer {
        let (service, hashers) = (self.service.clone(), Arc::clone(&self.hashers));
        let password = SecretString::from(password);
        tokio::spawn(async move { service.verify(&hashers, password, PasswordHash::new("gate$")).await })
    }

    /// Asks, and returns when that many wait.
    async fn queue(&self, password: &str, waiting: usize) -> Answer {
        let answer = self.ask(password);
        while self.service.waiting() != waiting {
            tokio::task::yield_now().await;
        }
        answer
    }

    /// Asks, and returns when the thread works on it.
    async fn occupy(&self, password: &str) -> Answer {
        let answer = self.ask(password);
        assert_eq!(self.next_begun().await, password);
        answer
    }

    async fn next_begun(&self) -> String {
        loop {
            match self.begun.try_recv() {
                Ok(password) => return password,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}

const LONG: Duration = Duration::from_hours(1);

#[tokio::test]
async fn the_queue_is_in_order_and_bounded() {
    let gated = Gated::new(2, LONG);
    let first = gated.occupy("first").await;
    let second = gated.queue("second", 1).await;
    let third = gated.queue("third", 2).await;
    let refused = gated.service.verify_nobody(&gated.hashers, "fourth".into()).await;
    assert!(matches!(refused, Err(PasswordError::Busy)), "{refused:?}");
    for _ in 0..3 {
        gated.open.send(true).unwrap();
    }
    for answer in [first, second, third] {
        assert_eq!(answer.await.unwrap().unwrap(), Verification::Correct);
    }
    assert_eq!([gated.next_begun().await, gated.next_begun().await], ["second", "third"]);
    assert_eq!(gated.service.operations(), 3);
}

#[tokio::test]
async fn who_waits_past_the_deadline_is_told_so() {
    const DEADLINE: Duration = Duration::from_millis(500);
    let gated = Gated::new(2, DEADLINE);
    let first = gated.occupy("first").await;
    let second = gated.queue("second", 1).await;
    // The one deadline that cannot be tested with a clock of ours: it is the thread's.
    tokio::time::sleep(DEADLINE + Duration::from_millis(50)).await;
    gated.open.send(true).unwrap();
    assert!(matches!(second.await.unwrap(), Err(PasswordError::Busy)));
    assert_eq!(first.await.unwrap().unwrap(), Verification::Correct);
    assert_eq!(gated.service.operations(), 1);
}

#[tokio::test]
async fn who_goes_away_leaves_no_work_and_no_place_taken() {
    let gated = Gated::new(1, LONG);
    let first = gated.occupy("first").await;
    let second = gated.queue("second", 1).await;
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    let third = gated.ask("third");
    tokio::task::yield_now().await;
    gated.open.send(true).unwrap();
    gated.open.send(true).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), Verification::Correct);
    assert_eq!(third.await.unwrap().unwrap(), Verification::Correct);
    assert_eq!(gated.next_begun().await, "third");
    assert_eq!(gated.service.operations(), 2);
}

#[tokio::test]
async fn a_panic_is_an_error_for_one_and_no_end_for_all() {
    let gated = Gated::new(2, LONG);
    let first = gated.occupy("first").await;
    let second = gated.queue("second", 1).await;
    // The lock is not held while it panics, so the gate still works.
    gated.open.send(false).unwrap();
    gated.open.send(true).unwrap();
    assert!(matches!(first.await.unwrap(), Err(PasswordError::Hasher(_))));
    assert_eq!(second.await.unwrap().unwrap(), Verification::Correct);
}

#[tokio::test]
async fn the_service_hashes_and_counts_equal_work() {
    let hashers = Arc::new(PasswordHashers::new(Argon2Hasher::default()).unwrap());
    let service = HashingService::builder().threads(2).build();
    let password = || SecretString::from("correct horse battery staple");
    let hash = service.hash(&hashers, password()).await.unwrap();
    let weaker = Argon2Hasher::new(Argon2Params::new(7_168, 5, 1).unwrap());
    let weaker = weaker.hash("correct horse battery staple").unwrap();
    let found = service.verify(&hashers, password(), hash.clone()).await.unwrap();
    assert_eq!(found, Verification::Correct);
    let found = service.verify(&hashers, password(), weaker).await.unwrap();
    assert_eq!(found, Verification::CorrectButRehash);
    let before = service.operations();
    for stored in [hash, PasswordHash::unusable(), PasswordHash::default()] {
        let found = service.verify(&hashers, "wrong".into(), stored).await.unwrap();
        assert_eq!(found, Verification::Wrong);
    }
    let _ = service.verify_nobody(&hashers, "wrong".into()).await.unwrap();
    assert_eq!(service.operations() - before, 4);
    let long = SecretString::from("a".repeat(4097));
    let refused = service.hash(&hashers, long).await;
    assert!(matches!(refused, Err(PasswordError::TooLong { max: 4096 })));
    assert_eq!(service.operations() - before, 4);
}

/// Codes for a password of somebody called Will Farrington.
fn codes(config: &PasswordConfig, password: &str) -> Vec<&'static str> {
    let context = PasswordContext::new()
        .field("user name", "willfarrington")
        .field("first name", "Will")
        .field("last name", "Farrington")
        .field("e-mail address", "will.f@mail-example.org");
    config.validate(password, &context).err().map(|e| e.codes().collect()).unwrap_or_default()
}

#[test]
fn a_new_password_is_told_all_that_is_wrong_with_it() {
    let config = PasswordConfig::default();
    let cases: [(&str, &[&str]); 9] = [
        ("", &["password_too_short"]),
        ("iloveyou", &["password_too_short", "password_too_common"]),
        ("willfarrington", &["password_too_short", "password_too_similar"]),
        ("WILLFARRINGTON1", &["password_too_similar"]),
        ("willwillwillwillwill", &["password_too_repetitive", "password_too_similar"]),
        ("1234567890123456", &["password_too_common", "password_too_repetitive"]),
        ("correct horse", &["password_too_short"]),
        ("correct horse battery staple", &[]),
        ("ключ от старого дома", &[]),
    ];
    for (password, expected) in cases {
        assert_eq!(codes(&config, password), expected, "{password}");
    }
}

#[test]
fn length_is_in_characters_and_bounded_before_anything_else() {
    let config = PasswordConfig::default();
    assert_eq!(codes(&config, "пароль и ключ!"), ["password_too_short"]); // 14 characters, 26 bytes
    assert_eq!(codes(&config, "пароль и ключ!?"), [""; 0]);
    assert_eq!(codes(&config, &"correct horse battery staple 🗝".repeat(30)), [""; 0]);
    assert_eq!(codes(&config, &"a".repeat(1 << 20)), ["password_too_long"]);
    let config = config.maximum_length(64).unwrap();
    let long = "correct horse battery staple, plum tractor evening, quiet lantern";
    assert_eq!(long.chars().count(), 65);
    assert_eq!(codes(&config, long), ["password_too_long"]);
    assert_eq!(codes(&config, &long[1..]), [""; 0]);
}

#[test]
fn short_passwords_need_a_second_factor_by_name() {
    let config = PasswordConfig::default;
    assert!(config().minimum_length(14).is_err());
    assert!(config().maximum_length(63).is_err());
    assert!(config().minimum_length(65).unwrap().maximum_length(64).is_err());
    assert!(config().minimum_length_with_enforced_second_factor(7).is_err());
    let config = config().minimum_length_with_enforced_second_factor(8).unwrap();
    assert!(config.needs_second_factor() && !PasswordConfig::default().needs_second_factor());
    assert_eq!(codes(&config, "plum tra"), [""; 0]);
}

#[test]
fn rules_can_be_added() {
    #[derive(Debug)]
    struct NoSpaces;
    impl PasswordValidator for NoSpaces {
        fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
            if !password.contains(' ') {
                return Ok(());
            }
            Err(PasswordProblem::new("password_has_spaces", "This password must not contain spaces."))
        }
    }
    let config = PasswordConfig::default()
        .require(CharacterClass::Upper)
        .require(CharacterClass::Lower)
        .require(CharacterClass::Digit)
        .require(CharacterClass::Special)
        .context_words(["Weathervane"])
        .validator(NoSpaces);
    let found = codes(&config, "plum tractor evening");
    assert_eq!(found, ["password_no_upper", "password_no_digit", "password_has_spaces"]);
    assert_eq!(codes(&config, "Weathervane2026!"), ["password_too_similar_to_site"]);
    assert_eq!(codes(&config, "Plum-tractor-8-evening"), [""; 0]);
    let refused = config.validate("PLUM TRACTOR EVENING 8", &PasswordContext::new()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "This password must contain at least one small letter. This password must not contain spaces."
    );
}

/// Tells when the thread that it was asked on ends.
#[derive(Clone, Debug)]
struct Farewell {
    ended: Sender<()>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.ended.send(());
    }
}

impl PasswordHasher for Farewell {
    fn hash(&self, _: &str) -> Result<PasswordHash, PasswordError> {
        Ok(PasswordHash::new("farewell$"))
    }

    fn verify(&self, _: &str, _: &PasswordHash) -> Result<bool, PasswordError> {
        thread_local! {
            static LEFT_HERE: std::cell::RefCell<Option<Farewell>> = const { std::cell::RefCell::new(None) };
        }
        LEFT_HERE.with_borrow_mut(|left| *left = Some(self.clone()));
        Ok(true)
    }

    fn needs_rehash(&self, _: &PasswordHash) -> bool {
        false
    }
}

#[tokio::test]
async fn threads_end_with_the_last_clone_of_the_service() {
    let (ended, has_ended) = channel();
    let hashers = Arc::new(PasswordHashers::new(Farewell { ended }).unwrap());
    let service = HashingService::builder().threads(1).build();
    let clone = service.clone();
    drop(service);
    let _ = clone.verify_nobody(&hashers, "any".into()).await.unwrap();
    assert!(has_ended.try_recv().is_err());
    drop(clone);
    has_ended.recv_timeout(Duration::from_mins(1)).unwrap();
}
