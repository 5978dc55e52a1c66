//! The hashing service.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::passwords::{
    Argon2Hasher, Argon2Params, HashingService, PasswordError, PasswordHash, PasswordHasher, PasswordHashers,
    Verification,
};
use auth::secret::SecretString;

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
            hashers: Arc::new(PasswordHashers::new(gate)),
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
    let hashers = Arc::new(PasswordHashers::new(Argon2Hasher::default()));
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
    let hashers = Arc::new(PasswordHashers::new(Farewell { ended }));
    let service = HashingService::builder().threads(1).build();
    let clone = service.clone();
    drop(service);
    let _ = clone.verify_nobody(&hashers, "any".into()).await.unwrap();
    assert!(has_ended.try_recv().is_err());
    drop(clone);
    has_ended.recv_timeout(Duration::from_mins(1)).unwrap();
}
