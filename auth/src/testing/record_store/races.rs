//! What holds when many do the same at once.

use chrono::TimeDelta;

use super::{KIND, get, insert, new, owned, replace, take, value, version};
use crate::clock::Clock as _;
use crate::records::{NewRecord, RecordReplaced, RecordStore};
use crate::testing::{ManualClock, at_once};

const MANY: u8 = 16;

/// Of many who write under one id, one does.
pub async fn one_of_many_inserts_wins<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for expired in [false, true] {
        let store = &store;
        if expired {
            clock.advance(TimeDelta::hours(1));
        }
        let owners: Vec<_> = (0..MANY).map(|i| i.to_string()).collect();
        let inserted = at_once(owners.iter().zip(0..).map(|(owner, i)| {
            let record = new(&clock, Some(owner), &[i]);
            async move { insert(store, "id", record).await }
        }));
        let inserted = inserted.await;
        let winners: Vec<_> = (0..MANY).filter(|i| inserted[usize::from(*i)]).collect();
        assert_eq!(winners.len(), 1, "{inserted:?}");
        assert_eq!(value(store, "id").await.as_ref(), Some(&winners));
        for (i, owner) in (0..MANY).zip(&owners) {
            assert_eq!(owned(store, owner).await.len(), usize::from(winners.contains(&i)));
        }
    }
}

/// Of many who replace the same record, one does; the others are told.
pub async fn one_of_many_replaces_wins<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let store = &store;
    assert!(insert(store, "id", new(&clock, Some("ada"), b"first")).await);
    let found = version(store, "id").await;
    let results = at_once((0..MANY).map(|i| {
        let record = NewRecord { expires_at: clock.now() + TimeDelta::days(7), ..new(&clock, None, &[i]) };
        replace(store, "id", found, record)
    }));
    let results = results.await;
    let winners: Vec<_> = (0..MANY).filter(|i| results[usize::from(*i)] == RecordReplaced::Done).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert!(results.iter().all(|result| *result != RecordReplaced::Gone), "{results:?}");
    assert_eq!(value(store, "id").await, Some(winners));
}

/// Of many who take the same record, one gets it.
pub async fn one_of_many_takers_gets_it<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let store = &store;
    for owner in [None, Some("ada")] {
        assert!(insert(store, "id", new(&clock, owner, b"once")).await);
        let taken = at_once((0..MANY).map(|_| take(store, "id"))).await;
        assert_eq!(taken.iter().flatten().count(), 1, "{taken:?}");
    }
}

/// What is taken is what was written last, and whoever writes later is told that it is gone.
pub async fn takers_and_replacers_agree<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let store = &store;
    for round in 0..8 {
        let id = &round.to_string();
        assert!(insert(store, id, new(&clock, Some("ada"), b"first")).await);
        let found = version(store, id).await;
        let outcomes = at_once((0..4).map(|i| {
            let record = new(&clock, None, b"second");
            async move {
                if i == 0 {
                    (take(store, id).await, None)
                } else {
                    (None, Some(replace(store, id, found, record).await))
                }
            }
        }));
        let outcomes = outcomes.await;
        let taken = outcomes[0].0.as_ref().expect("there is one until it is taken");
        let replaced = outcomes.iter().filter(|(_, replaced)| *replaced == Some(RecordReplaced::Done)).count();
        assert_eq!(replaced, usize::from(taken.value == b"second"), "{outcomes:?}");
        assert_eq!(get(store, id).await, None);
        assert!(owned(store, "ada").await.is_empty());
    }
}

/// Every record that was inserted before is among those that end. One inserted meanwhile ends too, or its owner has it.
pub async fn no_insertion_escapes_a_deletion<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let store = &store;
    for round in 0..8 {
        let ids: Vec<_> = (0..MANY).map(|i| format!("{round} {i:02}")).collect();
        assert!(insert(store, &ids[0], new(&clock, Some("ada"), b"x")).await);
        at_once(ids.iter().enumerate().map(|(i, id)| {
            let record = new(&clock, Some("ada"), b"x");
            async move {
                if i % 4 == 0 {
                    _ = store.delete_owned(KIND, "ada").await.unwrap();
                } else if i % 4 == 1 {
                    _ = owned(store, "ada").await;
                } else {
                    assert!(insert(store, id, record).await);
                }
            }
        }))
        .await;
        assert_eq!(get(store, &ids[0]).await, None);
        let asked: Vec<_> = ids.iter().map(String::as_str).collect();
        let standing = store.get(KIND, &asked).await.unwrap();
        let standing: Vec<_> = ids.iter().zip(standing).filter_map(|(id, found)| found.map(|_| id.clone())).collect();
        assert_eq!(owned(store, "ada").await, standing);
        assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), standing.len() as u64);
    }
}
