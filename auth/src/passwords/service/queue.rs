use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::passwords::PasswordError;
use crate::passwords::hashers::keep_on_this_thread;

/// One hash to be made or checked, and whom to tell.
pub(super) trait Task: Send {
    /// Whether whoever asked has gone.
    fn is_abandoned(&self) -> bool;
    /// Answers that there is no time for it.
    fn refuse(self: Box<Self>);
    /// Does the work and answers.
    fn run(self: Box<Self>);
}

/// The tasks that wait, and the threads that take them, oldest first.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    operations: AtomicU64,
    threads: usize,
    capacity: usize,
    deadline: Duration,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<(Instant, Box<dyn Task>)>,
    started: usize,
    idle: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new(threads: usize, capacity: usize, deadline: Duration) -> Self {
        let (state, changed, operations) = Default::default();
        Self { state, changed, operations, threads, capacity, deadline }
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().tasks.len()
    }

    /// Lets the threads end. Nobody can be waiting: whoever waits holds the service.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn push(self: &Arc<Self>, task: Box<dyn Task>) -> Result<(), PasswordError> {
        let now = Instant::now();
        let mut state = self.lock_without_overdue(now);
        if state.tasks.len() >= self.capacity {
            state.tasks.retain(|(_, task)| !task.is_abandoned());
        }
        if state.tasks.len() >= self.capacity {
            return Err(PasswordError::Busy);
        }
        if state.idle <= state.tasks.len() && state.started < self.threads {
            self.start(&mut state)?;
        }
        state.tasks.push_back((now, task));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn start(self: &Arc<Self>, state: &mut State) -> Result<(), PasswordError> {
        let queue = Arc::clone(self);
        let name = "password-hashing".to_owned();
        match thread::Builder::new().name(name).spawn(move || queue.work()) {
            Ok(_) => state.started += 1,
            Err(error) if state.started == 0 => return Err(PasswordError::Hasher(Box::new(error))),
            Err(error) => tracing::warn!(%error, "another thread for hashing could not be started"),
        }
        Ok(())
    }

    fn work(&self) {
        lower_priority();
        keep_on_this_thread();
        while let Some(task) = self.take() {
            self.operations.fetch_add(1, Ordering::Relaxed);
            // A hasher from elsewhere may panic; the others who wait must not suffer. The task is consumed, so
            // nothing that was left half done can be seen again.
            if catch_unwind(AssertUnwindSafe(|| task.run())).is_err() {
                tracing::error!("a password hasher panicked");
                keep_on_this_thread(); // the panic took the memory with it
            }
        }
    }

    /// Waits for a task that somebody still waits for. `None` when the service is gone.
    fn take(&self) -> Option<Box<dyn Task>> {
        loop {
            let mut state = self.lock_without_overdue(Instant::now());
            if state.closed {
                return None;
            }
            match state.tasks.pop_front() {
                Some((_, task)) if task.is_abandoned() => {}
                Some((_, task)) => return Some(task),
                None => {
                    state.idle += 1;
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }

    /// Refuses what waited too long. All wait equally long at most, so that stands in front.
    fn lock_without_overdue(&self, now: Instant) -> MutexGuard<'_, State> {
        loop {
            let mut state = self.lock();
            match state.tasks.pop_front_if(|(since, _)| now.duration_since(*since) > self.deadline) {
                None => return state,
                Some((_, task)) => {
                    // An answer wakes whoever waits, which is code from elsewhere: not under the lock.
                    drop(state);
                    task.refuse();
                }
            }
        }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests that need no hash come first. Without this, sixteen clients that log in cost everybody tens of
/// milliseconds.
fn lower_priority() {
    // Elsewhere the call would slow down the whole process instead of this thread.
    if !cfg!(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)) {
        return;
    }
    if let Err(error) = thread_priority::ThreadPriority::Min.set_for_current() {
        tracing::debug!(?error, "the priority of a hashing thread could not be lowered");
    }
}
