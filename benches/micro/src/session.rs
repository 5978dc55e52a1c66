//! Session identifiers and session records.

use std::collections::HashMap;
use std::hint::black_box;

use auth::sessions::SessionKey;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use rand::RngCore;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_sessions::session::Id;

use timing::{Bench, Figure};

pub fn run(bench: &Bench) {
    ids(bench);
    records(bench);
}

fn ids(bench: &Bench) {
    bench.run(
        Figure::new("session id: generate and encode")
            .add("tower-sessions Id (128 bits, thread rng, base64)", || Id::default().to_string())
            .add("auth SessionKey (256 bits, OS getrandom, base64)", || SessionKey::generate().expose())
            .add("uuid v4 (axum_session)", || uuid::Uuid::new_v4().to_string())
            .add("Django style: 32 of [a-z0-9], thread rng", || {
                const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
                let mut rng = rand::rng();
                let pick = |_| ALPHABET[rand::Rng::random_range(&mut rng, 0..36)] as char;
                (0..32).map(pick).collect::<String>()
            })
            .add("256 bits, OS getrandom each time, base64 String", || {
                let mut raw = [0u8; 32];
                getrandom::fill(&mut raw).unwrap();
                B64.encode(raw)
            })
            .add("256 bits, thread rng, base64 String", || {
                let mut raw = [0u8; 32];
                rand::rng().fill_bytes(&mut raw);
                B64.encode(raw)
            })
            .add("limit: 256 bits, thread rng, base64 on the stack", || {
                let (mut raw, mut text) = ([0u8; 32], [0u8; 43]);
                rand::rng().fill_bytes(&mut raw);
                B64.encode_slice(raw, &mut text).unwrap();
                text
            }),
    );
}

/// What a server-rendered application keeps: ten keys, mixed types.
pub fn typical() -> HashMap<String, Value> {
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
    serde_json::from_value(map).unwrap()
}

/// The same data when its shape is known at compile time.
#[derive(Serialize, Deserialize)]
struct Typed {
    user_id: u64,
    auth_hash: String,
    csrf: String,
    created: u64,
    last_seen: u64,
    locale: String,
    mfa: bool,
    next: String,
    flash: Vec<String>,
    cart: Cart,
}

#[derive(Serialize, Deserialize)]
struct Cart {
    id: u64,
    n: u32,
}

fn records(bench: &Bench) {
    let map = typical();
    let typed: Typed = serde_json::from_value(Value::Object(map.clone().into_iter().collect())).unwrap();
    let text = serde_json::to_vec(&map).unwrap();
    let pack = rmp_serde::to_vec(&map).unwrap();
    let packed_typed = rmp_serde::to_vec(&typed).unwrap();
    let post = postcard::to_stdvec(&typed).unwrap();
    if bench.wants("session record") {
        println!(
            "\nbytes: json {}, rmp map {}, rmp struct {}, postcard struct {}",
            text.len(),
            pack.len(),
            packed_typed.len(),
            post.len()
        );
    }
    let (m1, m2) = (map.clone(), map.clone());
    let typed = std::rc::Rc::new(typed);
    let (t1, t2, t3) = (typed.clone(), typed.clone(), typed);
    bench.run(
        Figure::new("session record: encode")
            .add("serde_json, HashMap<String, Value>", move || serde_json::to_vec(black_box(&m1)).unwrap())
            .add("rmp-serde, HashMap<String, Value> (tower-sessions stores)", move || {
                rmp_serde::to_vec(black_box(&m2)).unwrap()
            })
            .add("serde_json, struct", move || serde_json::to_vec(black_box(&*t1)).unwrap())
            .add("rmp-serde, struct", move || rmp_serde::to_vec(black_box(&*t2)).unwrap())
            .add("postcard, struct", move || postcard::to_stdvec(black_box(&*t3)).unwrap()),
    );
    let text2 = text.clone();
    bench.run(
        Figure::new("session record: decode")
            .add("serde_json, HashMap<String, Value>", move || {
                serde_json::from_slice::<HashMap<String, Value>>(black_box(&text)).unwrap()
            })
            .add("rmp-serde, HashMap<String, Value> (tower-sessions stores)", move || {
                rmp_serde::from_slice::<HashMap<String, Value>>(black_box(&pack)).unwrap()
            })
            .add("HashMap<String, Value> clone (MemoryStore load)", move || black_box(&map).clone())
            .add("serde_json, struct", move || serde_json::from_slice::<Typed>(black_box(&text2)).unwrap())
            .add("rmp-serde, struct", move || rmp_serde::from_slice::<Typed>(black_box(&packed_typed)).unwrap())
            .add("postcard, struct", move || postcard::from_bytes::<Typed>(black_box(&post)).unwrap()),
    );
}
