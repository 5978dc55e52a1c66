//! A session's data in every format.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::sessions::{
    Cbor, Compact, InMemorySessionBackend, Json, Login, MessagePack, SaveIf, Saved, Session, SessionBackend as _,
    SessionError, SessionFormat, SessionKey, SessionManager, SessionRecord,
};
use auth::testing::ManualClock;
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

type Store = Arc<InMemorySessionBackend>;

/// The first byte of each format's data.
const TAGS: [u8; 4] = [1, 2, 3, 4];

fn store() -> Store {
    Arc::new(InMemorySessionBackend::new())
}

/// Works on a store in memory never wait.
fn now<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

async fn written(store: &Store, format: impl SessionFormat, items: &Map<String, Value>) -> SessionKey {
    let session = Session::new(store.clone());
    session.set_format(format);
    for (key, value) in items {
        session.set(key.clone(), value).unwrap();
    }
    session.mark_modified();
    session.save().await.unwrap();
    session.key().unwrap()
}

async fn read(store: &Store, key: &SessionKey) -> Vec<(String, Value)> {
    let session = Session::open(store.clone(), key.clone()).await.unwrap();
    assert_eq!(session.key(), Some(key.clone()), "there is such a session");
    session.items()
}

async fn data(store: &Store, key: &SessionKey) -> Box<[u8]> {
    store.load(&key.digest()).await.unwrap().unwrap().data.clone()
}

/// A login, and these data.
async fn stored(store: &Store, data: &[u8]) -> SessionKey {
    let (key, at) = (SessionKey::generate(), ManualClock::new().now());
    let mut record = SessionRecord::new(at, at + TimeDelta::days(36500), at + TimeDelta::days(36500));
    (record.verifier, record.data) = (key.verifier(), data.into());
    record.login = Some(Login::new("1", [0; 32], at));
    assert_eq!(store.save(&key.digest(), Arc::new(record), SaveIf::Absent).await.unwrap(), Saved::Done);
    key
}

/// Whether there is such a session; if so, it can be read through.
async fn is_session(store: &Store, data: &[u8]) -> bool {
    let key = stored(store, data).await;
    let session = Session::open(store.clone(), key.clone()).await.unwrap();
    let items = session.items();
    let found = session.key().is_some();
    assert_eq!(session.login().is_some(), found);
    assert!(found || items.is_empty());
    let manager = SessionManager::new(store.clone()).unwrap();
    assert_eq!(manager.find(&key).await.unwrap().is_some(), found);
    found
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("JSON has no such number", Number::from_f64),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 48, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            dictionary(inner).prop_map(Value::Object),
        ]
    })
}

fn dictionary(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((any::<String>(), value), 0..8).prop_map(|items| items.into_iter().collect())
}

/// The same as text: `1.0` is not `1`, and `-0.0` not `0.0`.
fn exactly(items: Vec<(String, Value)>) -> String {
    serde_json::to_string(&items.into_iter().collect::<Map<_, _>>()).unwrap()
}

macro_rules! round_trips {
    ($($test:ident: $format:ident),* $(,)?) => { proptest! { $(
        #[test]
        fn $test(mut items in dictionary(value())) {
            items.insert("at least one".to_owned(), Value::Null);
            now(async {
                let store = store();
                let key = written(&store, $format, &items).await;
                let read = read(&store, &key).await;
                assert_eq!(exactly(read), exactly(items.into_iter().collect()));
            });
        }
    )* } };
}

round_trips!(json_keeps_any_value: Json, messagepack_does: MessagePack, cbor_does: Cbor, compact_does: Compact);

proptest! {
    #[test]
    fn any_bytes_are_a_session_or_none(tag in 0..6_u8, bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        now(async { is_session(&store(), &[&[tag], &*bytes].concat()).await });
    }

    #[test]
    fn damage_is_a_session_or_none(mut items in dictionary(value()), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        items.insert("at least one".to_owned(), Value::Null);
        now(async {
            let store = store();
            let keys = [
                written(&store, Json, &items).await,
                written(&store, MessagePack, &items).await,
                written(&store, Cbor, &items).await,
                written(&store, Compact, &items).await,
            ];
            for key in keys {
                let mut bytes = data(&store, &key).await;
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                is_session(&store, &bytes).await;
                is_session(&store, &bytes[..at]).await;
            }
        });
    }
}

#[tokio::test]
async fn extreme_numbers_survive() {
    let numbers = json!([u64::MAX, i64::MIN, i64::MAX, 0, -1, f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.0, 1.0, 0.1]);
    let items = Map::from_iter([("numbers".to_owned(), numbers)]);
    let store = store();
    for key in [
        written(&store, Json, &items).await,
        written(&store, MessagePack, &items).await,
        written(&store, Cbor, &items).await,
        written(&store, Compact, &items).await,
    ] {
        assert_eq!(exactly(read(&store, &key).await), exactly(items.clone().into_iter().collect()));
    }
}

#[tokio::test]
async fn a_change_of_format_logs_nobody_out() {
    let (store, items) = (store(), Map::from_iter([("a".to_owned(), json!(1))]));
    let key = written(&store, Json, &items).await;
    let session = Session::open(store.clone(), key.clone()).await.unwrap();
    assert_eq!(data(&store, &key).await.first(), Some(&TAGS[0]));

    session.set_format(MessagePack);
    session.set("b", 2).unwrap();
    session.save().await.unwrap();
    assert_eq!(data(&store, &key).await.first(), Some(&TAGS[1]));

    session.set_format(Cbor);
    session.set("c", 3).unwrap();
    session.save().await.unwrap();
    assert_eq!(data(&store, &key).await.first(), Some(&TAGS[2]));

    session.set_format(Compact);
    session.set("d", 4).unwrap();
    session.save().await.unwrap();
    assert_eq!(data(&store, &key).await.first(), Some(&TAGS[3]));
    let items = exactly(read(&store, &key).await);
    assert_eq!(items, r#"{"a":1,"b":2,"c":3,"d":4}"#);
}

#[tokio::test]
async fn the_manager_chooses_a_format() {
    use auth::sessions::Device;
    let store = store();
    let manager = SessionManager::new(store.clone()).unwrap().with_format(Cbor);
    let login = Login::new("1", [0; 32], ManualClock::new().now());
    let session = manager.create(login, Device::default()).await.unwrap();
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(data(&store, &session.key().unwrap()).await.first(), Some(&TAGS[2]));
    session.flush().await.unwrap();
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(data(&store, &session.key().unwrap()).await.first(), Some(&TAGS[2]), "of the next session, too");
}

#[tokio::test]
async fn what_cannot_be_read_is_no_session() {
    let store = store();
    assert!(is_session(&store, b"").await, "nothing was ever set");
    assert!(is_session(&store, b"\x01{\"a\":1}").await);
    let unknown = [0_u8, 5, 0x7f, 0xfb, 0xfc, 0xfd, 0xff].map(|tag| vec![tag, b'{', b'}']);
    let large = [b"\x01{\"a\":\"", &*vec![b'x'; 1 << 20], b"\"}"].concat();
    for data in unknown.iter().map(Vec::as_slice).chain([
        &b"\x01"[..],
        b"\x01{\"a\":1",
        b"\x01{\"a\":1}x",
        b"\x01[]",
        b"\x01{\"a\":\"\xff\"}",
        b"\x01{\"a\":\"\\ud800\"}",
        b"\x01{\"a\":1e999}",
        b"\x02",
        b"\x02\x90",
        b"\x02\x80x",
        b"\x03\x80",
        b"\x03\xa0x",
        b"\x04",
        b"\x04\0x",
        &large,
    ]) {
        assert!(!is_session(&store, data).await, "{:?}", &data[..data.len().min(20)]);
    }
}

#[tokio::test]
async fn a_conflict_with_unreadable_data_ends_the_session() {
    let store = store();
    let key = written(&store, Json, &Map::from_iter([("a".to_owned(), json!(1))])).await;
    let session = Session::open(store.clone(), key.clone()).await.unwrap();
    let mut damaged = SessionRecord::clone(&*store.load(&key.digest()).await.unwrap().unwrap());
    (damaged.version, damaged.data) = (2, b"\x01{".as_slice().into());
    let saved = store.save(&key.digest(), Arc::new(damaged), SaveIf::Version(1)).await.unwrap();
    assert_eq!(saved, Saved::Done);
    session.set("b", 2).unwrap();
    assert!(matches!(session.save().await, Err(SessionError::Ended)));
}

#[tokio::test]
async fn lies_about_length_and_depth_cost_nothing() {
    const MANY: usize = 300_000;
    let store = store();
    for data in [
        [b"\x01{\"a\":", &*vec![b'['; MANY]].concat(),
        [b"\x01{\"a\":", &*b"{\"a\":".repeat(MANY / 5)].concat(),
        // Lists of one, nested; then lists, maps and texts of four billion.
        [b"\x02\x81\xa1a", &*vec![0x91; MANY]].concat(),
        b"\x02\x81\xa1a\xdd\xff\xff\xff\xff".to_vec(),
        b"\x02\xdf\xff\xff\xff\xff".to_vec(),
        b"\x02\x81\xa1a\xdb\xff\xff\xff\xff".to_vec(),
        [b"\x03\xa1\x61a", &*vec![0x81; MANY]].concat(),
        [b"\x03\xa1\x61a", &*vec![0xc1; MANY]].concat(),
        b"\x03\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x03\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x03\xa1\x61a\x7b\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x03\xa1\x61a\x5b\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        [b"\x04\x01\x01a", &*b"\x07\x01".repeat(MANY)].concat(),
        [b"\x04\x01\x01a", &*b"\x08\x01\x01a".repeat(MANY / 2)].concat(),
        b"\x04\x01\x01a\x07\xff\xff\xff\xff\x0f".to_vec(),
        b"\x04\xff\xff\xff\xff\x0f".to_vec(),
        b"\x04\x01\x01a\x06\xff\xff\xff\xff\x0f".to_vec(),
    ] {
        assert!(!is_session(&store, &data).await, "{:?}", &data[..data.len().min(12)]);
    }
}

#[tokio::test]
async fn what_would_not_be_read_again_is_not_written() {
    let nested = |depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
    macro_rules! check {
        ($($format:ident),*) => { $({
            let store = store();
            let deep = Map::from_iter([("deep".to_owned(), nested(100))]);
            let key = written(&store, $format, &deep).await;
            assert_eq!(read(&store, &key).await[0].1, nested(100));
            let session = Session::new(store.clone());
            session.set_format($format);
            session.set("deeper", nested(101)).unwrap();
            assert!(matches!(session.save().await, Err(SessionError::Value { key, .. }) if key == "deeper"));
            session.clear();
            session.set("large", "x".repeat(1 << 20)).unwrap();
            assert!(matches!(session.save().await, Err(SessionError::TooLarge { .. })));
        })* };
    }
    check!(Json, MessagePack, Cbor, Compact);
}
