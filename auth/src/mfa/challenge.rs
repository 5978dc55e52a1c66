//! What somebody is asked, and has yet to answer: kept on the server, for one user, one purpose, one attempt and one use.
//! The newest counts: however often somebody begins anew, there is one.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Asked, MfaError};
use crate::clock::Clock;
use crate::records::{DynRecordStore, NewRecord, Record, RecordKind};

#[derive(Clone, Debug)]
pub(super) struct Challenges {
    records: DynRecordStore,
    clock: Arc<dyn Clock>,
}

const KIND: RecordKind = RecordKind::new("mfa_challenge");

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    challenge: String,
    tries: u32,
    data: T,
}

impl Challenges {
    pub(super) fn over(records: DynRecordStore, clock: Arc<dyn Clock>) -> Self {
        Self { records, clock }
    }

    /// Keeps what is asked in the place of what was asked before, and gives what it is answered by.
    pub(super) async fn begin(
        &self,
        asked: Asked<'_>,
        data: &impl Serialize,
        lifetime: TimeDelta,
    ) -> Result<String, MfaError> {
        let challenge = Uuid::new_v4().simple().to_string();
        let stored = Stored { challenge: challenge.clone(), tries: 0, data };
        let value = serde_json::to_vec(&stored).map_err(|_| MfaError::Damaged)?;
        let expires_at = self.clock.now() + lifetime;
        let record = NewRecord { owner: Some(asked.user_id.to_owned()), value, expires_at };
        asked.keep(&self.records, KIND, record).await?;
        Ok(challenge)
    }

    /// What was asked, and counts one try at it: of `most` tries at once, no more than so many get it. `None` if nothing
    /// was asked, or too often was tried.
    #[cfg(feature = "mfa-totp")]
    pub(super) async fn attempt<T: Serialize + DeserializeOwned>(
        &self,
        challenge: &str,
        asked: Asked<'_>,
        most: u32,
    ) -> Result<Option<T>, MfaError> {
        use crate::records::RecordReplaced;
        let id = asked.id();
        for _ in 0..=most {
            let Some(record) = self.records.get(KIND, &[&id]).await?.pop().flatten() else { return Ok(None) };
            let Some(mut stored) = read::<T>(&record, challenge, asked) else { return Ok(None) };
            if stored.tries >= most {
                return Ok(None);
            }
            stored.tries += 1;
            let value = serde_json::to_vec(&stored).map_err(|_| MfaError::Damaged)?;
            let next = NewRecord { owner: record.owner, value, expires_at: record.expires_at };
            match self.records.replace(KIND, &id, record.version, next).await? {
                RecordReplaced::Done => return Ok(Some(stored.data)),
                RecordReplaced::Gone => return Ok(None),
                RecordReplaced::Changed => {}
            }
        }
        Ok(None)
    }

    /// What was asked, for the only one who gets it: it is gone after that.
    pub(super) async fn take<T: DeserializeOwned>(
        &self,
        challenge: &str,
        asked: Asked<'_>,
    ) -> Result<Option<T>, MfaError> {
        let id = asked.id();
        let read = |record: Record| read::<T>(&record, challenge, asked);
        // An answer to what was asked before leaves what is asked now.
        let is_asked = self.records.get(KIND, &[&id]).await?.pop().flatten().and_then(read).is_some();
        let taken = if is_asked { self.records.take(KIND, &id).await? } else { None };
        Ok(taken.and_then(read).map(|stored| stored.data))
    }
}

fn read<T: DeserializeOwned>(record: &Record, challenge: &str, asked: Asked<'_>) -> Option<Stored<T>> {
    let stored: Stored<T> = serde_json::from_slice(&record.value).ok()?;
    (record.owner.as_deref() == Some(asked.user_id) && stored.challenge == challenge).then_some(stored)
}

#[cfg(test)]
#[cfg(feature = "mfa-totp")]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;

    use super::*;
    use crate::clock::SystemClock;
    use crate::records::InMemoryRecordStore;

    const LIFETIME: TimeDelta = TimeDelta::minutes(10);
    const ASKED: Asked<'_> = Asked { user_id: "ada", purpose: "test", attempt: "session-key" };
    const OTHERS: [Asked<'_>; 4] = [
        Asked { user_id: "eve", ..ASKED },
        Asked { user_id: "", ..ASKED },
        Asked { purpose: "other", ..ASKED },
        Asked { attempt: "session-key2", ..ASKED },
    ];

    /// What a store in memory says: it never waits.
    fn now<T>(future: impl Future<Output = Result<T, MfaError>>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.unwrap(),
            Poll::Pending => panic!("a store in memory waits"),
        }
    }

    fn asked(lifetime: TimeDelta) -> (Challenges, String) {
        let challenges = Challenges::over(Arc::new(InMemoryRecordStore::new()), Arc::new(SystemClock));
        let id = now(challenges.begin(ASKED, &"data", lifetime));
        (challenges, id)
    }

    #[test]
    fn it_is_answered_by_whom_it_was_asked_only() {
        let (challenges, id) = asked(LIFETIME);
        for other in OTHERS {
            assert_eq!(now(challenges.attempt::<String>(&id, other, 1)), None);
        }
        assert_eq!(now(challenges.attempt::<String>("", ASKED, 1)), None);
        assert_eq!(now(challenges.attempt::<u32>(&id, ASKED, 1)), None);
        // None of these was a try.
        assert_eq!(now(challenges.attempt::<String>(&id, ASKED, 1)).unwrap(), "data");
    }

    #[test]
    fn who_takes_anothers_gets_nothing() {
        for other in OTHERS {
            let (challenges, id) = asked(LIFETIME);
            assert_eq!(now(challenges.take::<String>(&id, other)), None);
        }
    }

    #[test]
    fn the_newest_counts_and_there_is_one_of_each_attempt() {
        let (challenges, older) = asked(LIFETIME);
        let count = || now(async { Ok(challenges.records.count(KIND).await?) });
        let mut newest = String::new();
        for _ in 0..20 {
            newest = now(challenges.begin(ASKED, &"newer", LIFETIME));
        }
        assert_eq!(count(), 1);
        let others = OTHERS.map(|other| now(challenges.begin(other, &"anothers", LIFETIME)));
        assert_eq!(count(), 5);
        // Nobody can use another's, whatever they know of it.
        for (other, id) in OTHERS.iter().zip(&others) {
            assert_eq!(now(challenges.take::<String>(id, ASKED)), None);
            assert_eq!(now(challenges.take::<String>(&newest, *other)), None);
        }
        assert_eq!(now(challenges.attempt::<String>(&older, ASKED, 1)), None);
        assert_eq!(now(challenges.take::<String>(&older, ASKED)), None);
        assert_eq!(now(challenges.take::<String>(&newest, ASKED)).unwrap(), "newer");
        assert_eq!(now(challenges.take::<String>(&others[0], OTHERS[0])).unwrap(), "anothers");
        assert_eq!(count(), 3);
    }

    #[test]
    fn it_ends() {
        let (challenges, id) = asked(TimeDelta::zero());
        assert_eq!(now(challenges.attempt::<String>(&id, ASKED, 3)), None);
        assert_eq!(now(challenges.take::<String>(&id, ASKED)), None);
    }

    #[test]
    fn of_many_at_once_few_try_and_one_takes() {
        fn at_once(what: impl Fn() -> Option<String> + Sync) -> usize {
            thread::scope(|scope| {
                let all: Vec<_> = (0..50).map(|_| scope.spawn(|| what().is_some())).collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(|got| *got).count()
            })
        }
        let (challenges, id) = asked(LIFETIME);
        assert_eq!(at_once(|| now(challenges.attempt(&id, ASKED, 5))), 5);
        assert_eq!(now(challenges.attempt::<String>(&id, ASKED, 5)), None);
        assert_eq!(at_once(|| now(challenges.take(&id, ASKED))), 1);
    }

    #[test]
    fn a_sessions_key_is_not_kept() {
        let (challenges, _) = asked(LIFETIME);
        let (id, record) = now(async { Ok(challenges.records.owned(KIND, "ada").await?) }).pop().unwrap();
        assert_eq!(id, ASKED.id());
        let text = String::from_utf8(record.value).unwrap();
        assert!(text.contains("data") && !text.contains("session-key"), "{text}");
    }
}
