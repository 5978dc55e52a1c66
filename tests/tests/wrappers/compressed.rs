//! Compressed sessions.

use std::sync::Arc;

use auth::sessions::{
    CleanupExpired as _, CompressedSessionBackend, Compression, InMemorySessionBackend, SaveIf, Saved,
    SessionBackend as _,
};
use auth::testing::ManualClock;
use chrono::TimeDelta;

use crate::{add, id, memory, record};

type Over<B> = CompressedSessionBackend<B>;

macro_rules! suites {
    ($($name:ident: $algorithm:ident),*) => { $(
        mod $name {
            use super::*;

            /// Everything is tried, whatever its length.
            async fn backend() -> (Over<InMemorySessionBackend>, ManualClock, ()) {
                let (backend, clock) = memory();
                (Over::new(backend, Compression::$algorithm).with_threshold(0), clock, ())
            }

            auth::session_backend_suite!(backend);
        }
    )* };
}

suites!(zstd: Zstd, gzip: Gzip, brotli: Brotli);

mod over_sqlite {
    use auth::sessions::DatabaseSessionBackend;
    use auth_tests::TestDatabase;

    use super::*;

    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, TestDatabase) {
        let (backend, clock, keep) = crate::sqlite().await;
        (Over::new(backend, Compression::Zstd), clock, keep)
    }

    auth::session_backend_suite!(backend);
}

#[tokio::test]
async fn only_what_shrinks_is_compressed() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    for algorithm in Compression::ALL {
        let backend = Over::new(store.clone(), *algorithm);
        for (data, shrinks) in [
            (vec![b'x'; 511], false),
            (vec![b'x'; 512], true),
            (b"\x01{\"a\":1}".repeat(1000), true),
            (noise(2000), false),
        ] {
            let id = add(&backend, &clock, &data).await;
            let stored = store.load(&id).await.unwrap().unwrap();
            assert_eq!(stored.data.len() < data.len(), shrinks, "{algorithm:?}, {} bytes", data.len());
            assert_eq!(*backend.load(&id).await.unwrap().unwrap().data, data);
        }
    }
}

/// Bytes that do not shrink.
fn noise(length: usize) -> Vec<u8> {
    std::iter::repeat_with(|| *id().as_bytes()).flatten().take(length).collect()
}

#[tokio::test]
async fn what_was_there_before_and_what_others_wrote_still_loads() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let data = b"\x01{\"cart\":[1,2,3]}".repeat(100);
    let mut ids = vec![add(&store, &clock, &data).await];
    for algorithm in Compression::ALL {
        ids.push(add(&Over::new(store.clone(), *algorithm), &clock, &data).await);
    }
    for algorithm in Compression::ALL {
        let backend = Over::new(store.clone(), *algorithm);
        for id in &ids {
            let found = backend.load(id).await.unwrap().unwrap();
            assert_eq!(*found.data, data);
            let next = record(&clock, found.version + 1, &data);
            let saved = backend.save(id, next, SaveIf::Version(found.version)).await.unwrap();
            assert_eq!(saved, Saved::Done);
        }
    }
}

#[tokio::test]
async fn a_bomb_or_damage_is_no_session() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    for algorithm in Compression::ALL {
        let backend = Over::new(store.clone(), *algorithm);
        let whole = add(&backend, &clock, &vec![0; 1 << 20]).await;
        let whole = store.load(&whole).await.unwrap().unwrap().data.clone();
        let with = |at: usize, byte| {
            let mut data = whole.to_vec();
            data[at] = byte;
            data
        };
        for damaged in [
            with(1, 77),
            // More is in it than it says, less, and more than may be in it.
            with(5, 1),
            with(3, 0),
            with(2, 0xff),
            whole[..whole.len() / 2].to_vec(),
            whole[..5].to_vec(),
            b"\xfc".to_vec(),
            b"\xfc\x00\0\0\0\x02x".to_vec(),
        ] {
            let id = add(&store, &clock, &damaged).await;
            assert_eq!(backend.load(&id).await.unwrap(), None, "{algorithm:?} {:?}", &damaged[..1]);
            assert!(backend.delete(&id).await.unwrap());
        }
    }
}

#[tokio::test]
async fn data_that_look_compressed_are_kept_as_they_are() {
    let (store, clock) = memory();
    let backend = Over::new(Over::new(store, Compression::Gzip), Compression::Zstd);
    for data in [&b"\xfc"[..], b"\xfc\x01\0\0\0\x01x", &[0xfc; 600]] {
        let id = add(&backend, &clock, data).await;
        assert_eq!(*backend.load(&id).await.unwrap().unwrap().data, *data);
    }
}

#[tokio::test]
async fn expired_ones_are_cleaned_up_through_it() {
    let (store, clock) = memory();
    let backend = Over::new(store, Compression::Gzip);
    add(&backend, &clock, b"x").await;
    clock.advance(TimeDelta::hours(1));
    assert_eq!(backend.cleanup_expired(10).await.unwrap(), 1);
}
