//! Hashing beside the asynchronous executor.

mod queue;

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use self::queue::{Queue, Task};
use super::hasher::within_bounds;
use super::{PasswordError, PasswordHash, PasswordHashers, Verification};
use crate::secret::SecretString;

/// Hashes and checks passwords on a few threads of its own, so that no request waits behind a hash but those that
/// asked for one.
///
/// By default there is one thread for each core, at the lowest scheduling priority, started when first needed; each
/// keeps its memory for the next hash, so memory is bounded by the number of threads. Callers wait in order. More
/// than 256 waiting, or waiting for more than ten seconds, is answered with [`PasswordError::Busy`].
///
/// The deadline is looked at whenever a thread takes a job and whenever one is given, and all jobs wait equally long;
/// so nobody waits longer than the deadline and one hash. No timer, and no particular runtime, is needed.
///
/// A caller that goes away leaves a job that is skipped. The threads end with the last clone of the service.
///
/// # Security
/// Bounds what a flood of logins can take from a server (ASVS 15.2.2), beside the limits by account and source.
#[derive(Clone)]
pub struct HashingService {
    threads: Arc<Threads>,
}

/// Settings of a [`HashingService`] with threads of its own.
#[derive(Clone, Debug)]
pub struct HashingServiceBuilder {
    threads: usize,
    waiting: usize,
    deadline: Duration,
}

impl HashingServiceBuilder {
    /// How many threads hash at the same time; by default one for each core. None counts as one.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How many jobs may wait for a thread; by default 256. None counts as one.
    pub fn waiting(mut self, jobs: usize) -> Self {
        self.waiting = jobs.max(1);
        self
    }

    /// How long a job may wait for a thread; by default ten seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The service. Its threads start when they are needed.
    pub fn build(self) -> HashingService {
        let queue = Queue::new(self.threads, self.waiting, self.deadline);
        HashingService { threads: Arc::new(Threads { queue: Arc::new(queue) }) }
    }
}

impl HashingService {
    /// The service that everything in this process shares unless told otherwise.
    pub fn shared() -> Self {
        static SHARED: OnceLock<HashingService> = OnceLock::new();
        SHARED.get_or_init(|| Self::builder().build()).clone()
    }

    /// A service with threads and a queue of its own.
    pub fn builder() -> HashingServiceBuilder {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        HashingServiceBuilder { threads, waiting: 256, deadline: Duration::from_secs(10) }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`] at once, [`PasswordError::Busy`] past the queue's bounds,
    /// [`PasswordError::Hasher`] when the hasher fails or panics.
    pub async fn hash(
        &self,
        hashers: &Arc<PasswordHashers>,
        password: SecretString,
    ) -> Result<PasswordHash, PasswordError> {
        let hashers = Arc::clone(hashers);
        self.run(password, move |password| hashers.hash(password)).await
    }

    /// Checks a password against what is stored for an account; a hash that is unusable, damaged or weak costs a
    /// wrong password as much work as any other.
    ///
    /// # Errors
    /// As for [`HashingService::hash`].
    pub async fn verify(
        &self,
        hashers: &Arc<PasswordHashers>,
        password: SecretString,
        hash: PasswordHash,
    ) -> Result<Verification, PasswordError> {
        let hashers = Arc::clone(hashers);
        self.run(password, move |password| hashers.verify(password, &hash)).await
    }

    /// Does the work of a wrong password, for an account that does not exist or may not log in, and answers
    /// [`Verification::Wrong`].
    ///
    /// # Errors
    /// As for [`HashingService::hash`].
    pub async fn verify_nobody(
        &self,
        hashers: &Arc<PasswordHashers>,
        password: SecretString,
    ) -> Result<Verification, PasswordError> {
        let hashers = Arc::clone(hashers);
        self.run(password, move |password| hashers.verify_nobody(password)).await
    }

    /// How many hashes and checks were begun since the service was made: for metrics, and for tests that count work
    /// instead of timing it.
    pub fn operations(&self) -> u64 {
        self.threads.queue.operations()
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.threads.queue.waiting()
    }

    async fn run<T: Send + 'static>(
        &self,
        password: SecretString,
        work: impl FnOnce(&str) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        within_bounds(password.expose())?;
        let (answer, answered) = oneshot::channel();
        let work = move || work(password.expose());
        self.threads.queue.push(Box::new(Pending { work, answer }))?;
        // The sender is dropped unanswered only by a panic in the hasher.
        answered.await.unwrap_or_else(|_| Err(PasswordError::Hasher("the hasher panicked".into())))
    }
}

impl fmt::Debug for HashingService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingService")
            .field("operations", &self.operations())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Ends the threads when the last clone of the service is gone; they themselves only hold the queue.
struct Threads {
    queue: Arc<Queue>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Pending<T, W> {
    work: W,
    answer: oneshot::Sender<Result<T, PasswordError>>,
}

impl<T, W> Task for Pending<T, W>
where
    T: Send,
    W: FnOnce() -> Result<T, PasswordError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn refuse(self: Box<Self>) {
        let _ = self.answer.send(Err(PasswordError::Busy));
    }

    fn run(self: Box<Self>) {
        // Whoever asked may have gone meanwhile; then nobody wants the answer.
        let _ = self.answer.send((self.work)());
    }
}
