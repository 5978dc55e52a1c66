//! Passwords: the hashers and what other systems wrote, the choice of hashers, the hashing service, the rules on new
//! passwords, peppers and lists of breached passwords.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod breach_lists;
mod choice;
mod django;
mod hashers;
mod pepper;
mod pwned_passwords;
mod rules;
mod service;
mod upgrade;

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use auth::passwords::{PasswordError, PasswordHash, PasswordHasher};
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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

/// What was logged meanwhile, field by field.
fn logged(work: impl FnOnce()) -> String {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), work);
    let text = log.text.lock().unwrap();
    text.clone()
}

#[derive(Clone, Default)]
struct Log {
    text: Arc<Mutex<String>>,
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.text.lock().unwrap();
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            writeln!(text, "{field}={value:?}").unwrap();
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
