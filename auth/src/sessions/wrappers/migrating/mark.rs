//! What stands in the two stores while a session is on its way. Every step is one conditional save, so a program may
//! stop anywhere, and any other goes on.
//!
//! ```text
//!                         old store                 new store
//!                         the session               –
//! 1  save if absent       the session               a place, its version at random
//! 2  save if version      moved to that place       the place
//! 3  save if the place's  moved to that place       the session
//! 4  delete               –                         the session
//! ```
//!
//! The old store decides until 2, the new one from then on. A place holds nothing: what comes into it in 3 stands in
//! "moved". Whoever ends the session deletes it here, then there, so that 2 or 3 finds nothing to save over. A place
//! alone is no session: it can be made by somebody who read the session before it moved or ended. Nor is "moved" without
//! its own place, which is what is left when the session ended between 3 and 4.

use std::sync::Arc;

use chrono::DateTime;

use crate::secret;
use crate::sessions::SessionRecord;

/// Begins data that this wrapper wrote: no format of a dictionary has this tag.
const MARK: u8 = 0xfb;
/// The data begin with the mark themselves: here they follow.
const AS_IT_IS: u8 = 0;
const PLACE: u8 = 1;
const MOVED: u8 = 2;

/// What a store has under an id.
pub(super) enum Held {
    /// A session, as it was saved.
    Session(Arc<SessionRecord>),
    /// A place of this version.
    Place(u64),
    /// What the session was, and the version of the place that it moves to.
    Moved(Arc<SessionRecord>, u64),
}

impl Held {
    /// What that record means. One that cannot be read is none, and logged.
    pub(super) fn of(record: Arc<SessionRecord>) -> Option<Self> {
        let Some((&MARK, data)) = record.data.split_first() else { return Some(Self::Session(record)) };
        let held = match data {
            [AS_IT_IS, data @ ..] => Some(Self::Session(with_data(&record, record.version, data.into()))),
            [PLACE] => Some(Self::Place(record.version)),
            [MOVED, rest @ ..] => rest.split_first_chunk().map(|(place, data)| {
                let session = with_data(&record, record.version.wrapping_sub(1), data.into());
                Self::Moved(session, u64::from_be_bytes(*place))
            }),
            _ => None,
        };
        if held.is_none() {
            tracing::warn!("a session that was on its way is damaged; it counts as none");
        }
        held
    }
}

/// The record as it is stored in the new store.
pub(super) fn arrived(record: Arc<SessionRecord>) -> Arc<SessionRecord> {
    if record.data.first() == Some(&MARK) { marked(&record, record.version, &[AS_IT_IS]) } else { record }
}

/// A place for it there, like none before: versions of sessions are far smaller.
pub(super) fn place(record: &SessionRecord) -> SessionRecord {
    let mut place = SessionRecord::new(record.created_at, record.expires_at, record.ends_at);
    place.version = (u64::from_be_bytes(secret::random()) >> 2) | (1 << 62);
    place.data = [MARK, PLACE].into();
    place
}

/// What takes the place away again.
pub(super) fn no_place(mut place: SessionRecord) -> Arc<SessionRecord> {
    place.expires_at = DateTime::UNIX_EPOCH;
    Arc::new(place)
}

/// What is left of it in the old store. The login stays, so that the user's sessions are found.
pub(super) fn moved(record: &SessionRecord, place: u64) -> Arc<SessionRecord> {
    marked(record, record.version.wrapping_add(1), &[&[MOVED][..], &place.to_be_bytes()].concat())
}

fn marked(record: &SessionRecord, version: u64, mark: &[u8]) -> Arc<SessionRecord> {
    with_data(record, version, [&[MARK], mark, &*record.data].concat().into())
}

fn with_data(record: &SessionRecord, version: u64, data: Box<[u8]>) -> Arc<SessionRecord> {
    Arc::new(SessionRecord { version, data, ..record.clone() })
}
