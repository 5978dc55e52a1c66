//! `memory STORE SHAPE [COUNT]` fills one in-memory session store and prints
//! what a session costs: bytes of resident memory, time to create, time to load.
//!
//! One store per process, so that each starts from a clean heap.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use auth::sessions::{InMemorySessionBackend, Session, SessionBackend as _};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore};
use tower_sessions_moka_store::MokaStore;

// A contestant built beside one that asks for serde_json's `preserve_order` gets
// it too, and is measured at twice its size. Build one member at a time.
const _: () = assert!(size_of::<serde_json::Value>() == 32, "build with -p, see README.md");

type Data = HashMap<String, Value>;

/// What an application keeps: ten keys, about 200 bytes as JSON.
fn typical(i: usize) -> Data {
    let map = json!({
        "user_id": i,
        "csrf": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
        "created": 1760000000,
        "last_seen": 1760001234,
        "locale": "en-GB",
        "mfa": true,
        "next": "/dashboard",
        "flash": ["saved"],
        "theme": "dark",
        "cart": { "id": 42, "n": 3 },
    });
    serde_json::from_value(map).unwrap()
}

/// What axum-login alone keeps: the user's id and the bytes of the password
/// hash, which become a JSON array of numbers.
fn axum_login(i: usize) -> Data {
    let hash = [b'a'; 97].as_slice();
    HashMap::from([("axum-login.data".into(), json!({ "user_id": i, "auth_hash": hash }))])
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [store, shape, rest @ ..] = args.as_slice() else {
        panic!("usage: memory auth|memory-store|moka|limit typical|axum-login [COUNT]");
    };
    let count = rest.first().map_or(1_000_000, |n| n.parse().unwrap());
    let data = match shape.as_str() {
        "typical" => typical,
        "axum-login" => axum_login,
        other => panic!("unknown shape {other}"),
    };
    let size = serde_json::to_vec(&data(count)).unwrap().len();
    let before = resident();
    let Cost { create, load, ids } = match store.as_str() {
        "auth" => auth(data, count).await,
        "memory-store" => sessions(MemoryStore::default(), data, count).await,
        "moka" => sessions(MokaStore::new(None), data, count).await,
        "limit" => limit(size, count),
        other => panic!("unknown store {other}"),
    };
    let each = (resident() - before - ids) / count;
    println!("| {store} | {shape} | {size} B json | {each} B/session | create {create:.0} ns | load {load:.0} ns |");
}

/// Nanoseconds of one call, and the bytes of the list of ids, which is the bench's own.
struct Cost {
    create: f64,
    load: f64,
    ids: usize,
}

impl Cost {
    fn of<T>(create: std::time::Duration, load: std::time::Duration, ids: &[T], count: usize) -> Self {
        let [create, load] = [create, load].map(|t| t.as_nanos() as f64 / count as f64);
        Self { create, load, ids: size_of_val(ids) }
    }
}

async fn sessions(store: impl SessionStore + Clone, data: fn(usize) -> Data, count: usize) -> Cost {
    let expiry_date = OffsetDateTime::now_utc() + Duration::days(1);
    let mut ids = Vec::with_capacity(count);
    let mut create = std::time::Duration::ZERO;
    for i in 0..count {
        let mut record = Record { id: Id::default(), data: data(i), expiry_date };
        let start = Instant::now();
        store.create(&mut record).await.unwrap();
        create += start.elapsed();
        ids.push(record.id);
    }
    let start = Instant::now();
    for i in 0..count {
        // A stride that visits every session once, far from the one before.
        let id = ids[i.wrapping_mul(7_919) % count];
        black_box(store.load(&id).await.unwrap().expect("it was created"));
    }
    let load = start.elapsed();
    std::mem::forget(store);
    Cost::of(create, load, &ids, count)
}

/// Us. Creating is what a request does: a session is filled, given a key and saved. Loading reads the record by its
/// key's digest, which is what the peers' ids are.
async fn auth(data: fn(usize) -> Data, count: usize) -> Cost {
    let store = Arc::new(InMemorySessionBackend::new());
    let mut ids = Vec::with_capacity(count);
    let mut create = std::time::Duration::ZERO;
    for i in 0..count {
        let session = Session::new(store.clone());
        for (key, value) in data(i) {
            session.set(key, value).unwrap();
        }
        let start = Instant::now();
        session.save().await.unwrap();
        create += start.elapsed();
        ids.push(session.key().expect("it was saved").digest());
    }
    let start = Instant::now();
    for i in 0..count {
        let id = &ids[i.wrapping_mul(7_919) % count];
        black_box(store.load(id).await.unwrap().expect("it was saved"));
    }
    let load = start.elapsed();
    std::mem::forget(store);
    Cost::of(create, load, &ids, count)
}

/// Not a peer: the packed bytes in a map, the least such a store can hold.
fn limit(size: usize, count: usize) -> Cost {
    let mut map: HashMap<[u8; 16], (u64, Box<[u8]>)> = HashMap::new();
    let key = |i: usize| (i as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes();
    let mut create = std::time::Duration::ZERO;
    for i in 0..count {
        let start = Instant::now();
        map.insert(key(i), (i as u64, vec![i as u8; size].into()));
        create += start.elapsed();
    }
    let start = Instant::now();
    for i in 0..count {
        black_box(map[&key(i.wrapping_mul(7_919) % count)].1.to_vec());
    }
    let load = start.elapsed();
    std::mem::forget(map);
    Cost::of(create, load, &[(); 0], count)
}
