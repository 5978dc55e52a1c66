//! `http figures FOLDER [REDIS_URL] [--quick]`: our sessions beside those of tower-sessions, call by call. Prints a line
//! for each figure: its name, our nanoseconds, theirs.

use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use auth::sessions::{InMemorySessionBackend, SessionBackend, SessionKey};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};
use timing::{Bench, Figure};
use tokio::runtime::Runtime;
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, MemoryStore, SessionStore};

use crate::stores;

pub fn run(runtime: Runtime, folder: &str, redis: Option<&str>) -> Result<()> {
    let (bench, runtime) = (Bench::from_args(), Rc::new(runtime));
    compare(&bench, "session id", || SessionKey::generate().expose(), || Id::default().to_string());
    codec(&bench);

    of_store(&bench, &runtime, "memory", InMemorySessionBackend::new(), MemoryStore::default())?;
    let file = |name| format!("{folder}/{name}.sqlite");
    let ours = runtime.block_on(stores::auth_sqlite(&file("auth")))?;
    let theirs = runtime.block_on(stores::tower_sqlite(&file("tower")))?;
    of_store(&bench, &runtime, "SQLite", ours, theirs)?;
    if let Some(url) = redis {
        let ours = runtime.block_on(stores::auth_redis(url))?;
        let theirs = runtime.block_on(stores::tower_redis(url))?;
        of_store(&bench, &runtime, "Redis", ours, theirs)?;
    }
    Ok(())
}

fn compare<A, B>(bench: &Bench, name: &str, ours: impl FnMut() -> A + 'static, theirs: impl FnMut() -> B + 'static) {
    let figure = Figure::new(name).add("auth", ours).add("tower-sessions", theirs);
    if let [ours, theirs] = bench.medians(figure)[..] {
        println!("{name}\t{ours}\t{theirs}");
    }
}

/// What an application keeps: ten keys of mixed types.
fn typical() -> Map<String, Value> {
    let map = json!({
        "user_id": 1234567,
        "auth_hash": "9f86d081884c7d659a2feaa0c55ad015",
        "csrf": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
        "created": 1760000000,
        "last_seen": 1760001234,
        "locale": "en-GB",
        "mfa": true,
        "next": "/dashboard",
        "flash": ["saved"],
        "cart": { "id": 42, "n": 3 },
    });
    serde_json::from_value(map).expect("it is a map")
}

/// What `auth::sessions` and the stores of tower-sessions do with those.
fn codec(bench: &Bench) {
    let map = typical();
    let data: HashMap<_, _> = map.clone().into_iter().collect();
    let record = Record { id: Id::default(), data, expiry_date: OffsetDateTime::now_utc() };
    let json = serde_json::to_vec(&map).expect("a map is JSON");
    let pack = rmp_serde::to_vec(&record).expect("a map is MessagePack");
    compare(
        bench,
        "10 keys, encode",
        move || serde_json::to_vec(black_box(&map)).expect("it was encoded before"),
        move || rmp_serde::to_vec(black_box(&record)).expect("it was encoded before"),
    );
    compare(
        bench,
        "10 keys, decode",
        move || serde_json::from_slice::<Map<String, Value>>(black_box(&json)).expect("it was encoded"),
        move || rmp_serde::from_slice::<Record>(black_box(&pack)).expect("it was encoded"),
    );
}

/// A session of ten keys is loaded and one of them read; one of them is changed and the session saved.
fn of_store(
    bench: &Bench,
    runtime: &Rc<Runtime>,
    name: &str,
    ours: impl SessionBackend,
    theirs: impl SessionStore,
) -> Result<()> {
    let (ours, theirs) = (Arc::new(ours), Arc::new(theirs));
    let our_session = auth::sessions::Session::new(ours.clone());
    let expiry = Expiry::OnInactivity(Duration::days(1));
    let their_session = tower_sessions::Session::new(None, theirs.clone(), Some(expiry));
    let (key, id) = runtime.block_on(async {
        for (key, value) in typical() {
            our_session.set(key.as_str(), value.clone())?;
            their_session.insert(&key, value).await?;
        }
        our_session.save().await?;
        their_session.save().await?;
        anyhow::Ok((our_session.key().expect("it was saved"), their_session.id().expect("it was saved")))
    })?;

    let (r1, r2) = (runtime.clone(), runtime.clone());
    let load_ours = move || {
        r1.block_on(async {
            let session = auth::sessions::Session::open(ours.clone(), key.clone()).await.expect("the store works");
            session.get::<u64>("user_id").expect("it is a number").expect("it was set")
        })
    };
    let load_theirs = move || {
        r2.block_on(async {
            let session = tower_sessions::Session::new(Some(id), theirs.clone(), Some(expiry));
            session.get::<u64>("user_id").await.expect("the store works").expect("it was set")
        })
    };
    compare(bench, &format!("{name}: load, read a key"), load_ours, load_theirs);

    let (r1, r2, mut seen, mut seen_too) = (runtime.clone(), runtime.clone(), 0_u64, 0_u64);
    let save_ours = move || {
        seen += 1;
        our_session.set("last_seen", seen).expect("it is a number");
        r1.block_on(our_session.save()).expect("the store works");
    };
    let save_theirs = move || {
        seen_too += 1;
        r2.block_on(async {
            their_session.insert("last_seen", seen_too).await.expect("the store works");
            their_session.save().await.expect("the store works");
        });
    };
    compare(bench, &format!("{name}: change a key, save"), save_ours, save_theirs);
    Ok(())
}
