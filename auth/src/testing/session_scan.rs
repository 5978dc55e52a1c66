//! What every [`SessionScan`](crate::sessions::SessionScan) must hold to, one function for each promise.
//!
//! `session_scan_suite!` makes a test of each; it is given what `session_backend_suite!` is given, a backend that
//! [`scan`](SessionBackend::scan) says something of.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::ManualClock;
use crate::clock::Clock as _;
use crate::sessions::{
    Login, SaveIf, Saved, ScanCursor, ScanPage, SessionBackend, SessionDigest, SessionError, SessionKey, SessionRecord,
};

/// Makes a test of each promise of `SessionScan`. See `auth::testing::session_scan`.
#[macro_export]
macro_rules! session_scan_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, session_scan:
            an_empty_store_has_no_sessions,
            every_live_session_is_met_as_it_is,
            expired_and_ended_sessions_are_not_met,
            a_page_is_about_a_batch,
            a_cursor_survives_its_text,
            what_begins_and_ends_meanwhile_hides_nothing,
            a_foreign_cursor_is_refused,
        }
    };
}

type Sessions = HashMap<SessionDigest, Arc<SessionRecord>>;

const MANY: u8 = 100;
const BATCH: u32 = 9;

async fn add(backend: &impl SessionBackend, clock: &ManualClock, number: u8) -> (SessionDigest, Arc<SessionRecord>) {
    let (id, now) = (SessionKey::generate().digest(), clock.now());
    let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(24));
    record.version = 1 + u64::from(number);
    record.login = number.is_multiple_of(2).then(|| Login::new(number.to_string(), [number; 32], now));
    record.data = vec![1, number].into();
    let record = Arc::new(record);
    assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.expect("the backend works"), Saved::Done);
    (id, record)
}

async fn add_many(backend: &impl SessionBackend, clock: &ManualClock) -> Sessions {
    let mut sessions = Sessions::new();
    for number in 0..MANY {
        sessions.extend([add(backend, clock, number).await]);
    }
    sessions
}

async fn page(backend: &impl SessionBackend, after: Option<&ScanCursor>) -> Result<ScanPage, SessionError> {
    backend.scan().expect("the backend can tell its sessions").scan(after, BATCH).await
}

/// Every page from the beginning, with something done after each.
async fn pages(backend: &impl SessionBackend, mut meanwhile: impl AsyncFnMut(&ScanPage)) -> Vec<ScanPage> {
    let mut pages: Vec<ScanPage> = Vec::new();
    loop {
        let page = page(backend, pages.last().and_then(|page| page.next.as_ref())).await.expect("the backend works");
        assert!(pages.len() < 10_000, "a scan comes to an end");
        meanwhile(&page).await;
        pages.push(page);
        if pages.last().is_some_and(|page| page.next.is_none()) {
            return pages;
        }
    }
}

async fn all(backend: &impl SessionBackend) -> Sessions {
    pages(backend, async |_| {}).await.into_iter().flat_map(|page| page.sessions).collect()
}

/// No session, and no page that waits for one.
pub async fn an_empty_store_has_no_sessions<B: SessionBackend, K>((backend, _clock, _keep): (B, ManualClock, K)) {
    assert!(all(&backend).await.is_empty());
}

/// Whoever is logged in, or nobody.
pub async fn every_live_session_is_met_as_it_is<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let sessions = add_many(&backend, &clock).await;
    assert_eq!(all(&backend).await, sessions);
}

/// They are no sessions.
pub async fn expired_and_ended_sessions_are_not_met<B: SessionBackend, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let ended = add_many(&backend, &clock).await;
    for id in ended.keys().take(20) {
        assert!(backend.delete(id).await.unwrap());
    }
    clock.advance(TimeDelta::hours(1));
    let alive = Sessions::from_iter([add(&backend, &clock, 1).await]);
    assert_eq!(all(&backend).await, alive);
}

/// A store that hands over several at once may go beyond it, a little.
pub async fn a_page_is_about_a_batch<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    add_many(&backend, &clock).await;
    for page in pages(&backend, async |_| {}).await {
        assert!(page.sessions.len() <= 2 * BATCH as usize, "{}", page.sessions.len());
    }
}

/// It can be written down, and gone on with.
pub async fn a_cursor_survives_its_text<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let sessions = add_many(&backend, &clock).await;
    let first = page(&backend, None).await.unwrap();
    let (mut met, mut next): (Sessions, _) = (first.sessions.into_iter().collect(), first.next);
    while let Some(cursor) = next {
        let text = cursor.to_string();
        let page = page(&backend, Some(&ScanCursor::new(text))).await.unwrap();
        met.extend(page.sessions);
        next = page.next;
    }
    assert_eq!(met, sessions);
}

/// A migration takes away what it has met.
pub async fn what_begins_and_ends_meanwhile_hides_nothing<B: SessionBackend, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let sessions = add_many(&backend, &clock).await;
    let pages = pages(&backend, async |page| {
        for (id, _) in &page.sessions {
            backend.delete(id).await.unwrap();
        }
        add(&backend, &clock, 0).await;
    });
    let met: Sessions = pages.await.into_iter().flat_map(|page| page.sessions).collect();
    assert!(sessions.iter().all(|session| met.get(session.0) == Some(session.1)));
}

/// Nobody goes on from nowhere.
pub async fn a_foreign_cursor_is_refused<B: SessionBackend, K>((backend, _clock, _keep): (B, ManualClock, K)) {
    for foreign in ["", "no cursor", "' OR 1=1"] {
        let refused = page(&backend, Some(&ScanCursor::new(foreign))).await;
        assert!(matches!(refused, Err(SessionError::Configuration(_))), "{refused:?}");
    }
}
