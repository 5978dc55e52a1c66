//! What stands where sessions are kept, or in their cookie: dictionaries in every format, whole records, packed data.

use std::sync::Arc;
use std::time::Duration;

use auth::cache::{Cache as _, InMemoryCache};
use auth::clock::Clock as _;
use auth::secret::SecretKey;
use auth::sessions::{
    CacheSessionBackend, Cbor, Compact, CompressedSessionBackend, Compression, CookieSessionBackend,
    InMemorySessionBackend, Json, Login, MessagePack, SaveIf, Saved, Session, SessionBackend as _, SessionFormat,
    SessionKey, SessionRecord,
};
use auth::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{block_on, well};

type Store = Arc<InMemorySessionBackend>;

/// The bytes as a dictionary, as packed data, as a record in a cache, and as a cookie.
pub fn run(data: &[u8]) {
    block_on(async {
        dictionary(data).await;
        packed(data).await;
        record(data).await;
        cookie(data).await;
    });
}

fn never() -> DateTime<Utc> {
    ManualClock::new().now() + TimeDelta::days(36500)
}

/// A session of somebody who is logged in, with these data.
async fn stored(store: &Store, data: &[u8]) -> SessionKey {
    let (key, at) = (SessionKey::generate(), ManualClock::new().now());
    let mut record = SessionRecord::new(at, never(), never());
    (record.verifier, record.data) = (key.verifier(), data.into());
    record.login = Some(Login::new("1", [0; 32], at));
    assert_eq!(well(store.save(&key.digest(), Arc::new(record), SaveIf::Absent).await), Saved::Done);
    key
}

/// What is readable is a session with all that stands in it, in every format; what is not is no login either.
async fn dictionary(data: &[u8]) {
    let store = Store::default();
    let key = stored(&store, data).await;
    let session = well(Session::open(store.clone(), key).await);
    let items = session.items();
    assert_eq!(session.login().is_some(), session.key().is_some());
    assert!(session.key().is_some() || items.is_empty());
    // One that holds nothing is not kept.
    if items.is_empty() {
        return;
    }
    for again in [
        rewritten(Json, &items).await,
        rewritten(MessagePack, &items).await,
        rewritten(Cbor, &items).await,
        rewritten(Compact, &items).await,
    ]
    .into_iter()
    .flatten()
    {
        assert_eq!(exactly(again), exactly(items.clone()));
    }
}

/// The same, once it was kept in this format. Nothing where it cannot be kept: too deep, or too large.
async fn rewritten(format: impl SessionFormat, items: &[(String, Value)]) -> Option<Vec<(String, Value)>> {
    let store = Store::default();
    let session = Session::new(store.clone());
    session.set_format(format);
    for (key, value) in items {
        session.set(key.clone(), value).ok()?;
    }
    session.mark_modified();
    session.save().await.ok()?;
    let key = session.key().expect("it was saved");
    let again = well(Session::open(store, key.clone()).await);
    assert_eq!(again.key(), Some(key), "what was written can be read");
    Some(again.items())
}

/// Also what `==` does not tell: `1.0` is not `1`, `-0.0` not `0.0`.
fn exactly(items: Vec<(String, Value)>) -> String {
    Value::Object(items.into_iter().collect::<Map<_, _>>()).to_string()
}

/// However little is packed, what comes out of it is bounded; and whatever goes in comes out.
async fn packed(data: &[u8]) {
    let store = Store::default();
    let key = stored(&store, data).await;
    let reader = CompressedSessionBackend::new(store.clone(), Compression::Gzip);
    if let Some(record) = well(reader.load(&key.digest()).await) {
        assert!(record.data.len() <= SessionRecord::MAX_DATA);
        assert!(data.first() == Some(&0xfc) || record.data[..] == *data, "what was not packed stays as it is");
    }
    for algorithm in [Compression::Brotli, Compression::Gzip, Compression::Zstd] {
        let (backend, key) =
            (CompressedSessionBackend::new(Store::default(), algorithm).with_threshold(8), SessionKey::generate());
        let mut record = SessionRecord::new(ManualClock::new().now(), never(), never());
        record.data = data.into();
        assert_eq!(well(backend.save(&key.digest(), Arc::new(record), SaveIf::Absent).await), Saved::Done);
        let again = well(backend.load(&key.digest()).await).expect("it was saved");
        assert_eq!(&again.data[..], data);
    }
}

/// What is a record is written again as it stood there.
async fn record(data: &[u8]) {
    let (cache, clock) = (Arc::new(InMemoryCache::new()), ManualClock::new());
    clock.set(DateTime::<Utc>::MIN_UTC);
    let sessions = CacheSessionBackend::new(cache.clone()).with_prefix("s:").with_clock(Arc::new(clock));
    let [id, other] = [SessionKey::generate().digest(), SessionKey::generate().digest()];
    let minute = Duration::from_secs(60);
    assert!(well(cache.insert(&format!("s:{id}"), data, minute).await));
    let Some(record) = well(sessions.load(&id).await) else { return };
    if sessions.save(&other, record.clone(), SaveIf::Absent).await.is_err() {
        return;
    }
    let again = well(cache.get(&format!("s:{other}")).await).expect("it was saved");
    assert_eq!(again.value, data, "a record has one spelling");
    assert_eq!(well(sessions.load(&other).await), Some(record));
}

/// What nobody sealed is no session; what was sealed and changed is none any more.
async fn cookie(data: &[u8]) {
    let secret = SecretKey::new("qwertyuiopasdfghjklzxcvbnm0123456789").expect("it is long enough");
    let clock = Arc::new(ManualClock::new());
    let sealed = CookieSessionBackend::new(&secret, InMemorySessionBackend::new()).with_clock(clock.clone());
    assert_eq!(well(sealed.open(data).await), None);
    let key = SessionKey::generate();
    let mut record = SessionRecord::new(clock.now(), never(), never());
    (record.verifier, record.data) = (key.verifier(), data.into());
    let Ok(cookie) = sealed.seal(&key, &record, CookieSessionBackend::MAX_COOKIE) else { return };
    let mut cookie = cookie.into_bytes();
    assert_eq!(well(sealed.open(&cookie).await), Some((key, record)));
    let (at, with) = (data.len() % cookie.len(), data.first().map_or(b'A', |byte| byte | 1));
    if std::mem::replace(&mut cookie[at], with) != with {
        assert_eq!(well(sealed.open(&cookie).await), None);
    }
}
