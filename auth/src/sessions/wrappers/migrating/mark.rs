//! What stands in the two stores while a session is on its way. Every step is one conditional save, so a program may
//! stop anywhere, and any other goes on.
//!
//! ```text
//!                       old store            new store
//!                       the session          –
//! 1  save if absent     the session          coming          (version 0: no session's)
//! 2  save if version    moved, with its all  coming
//! 3  save if version 0  moved                the session
//! 4  delete             –                    the session
//! ```
//!
//! The old store decides until 2, the new one from then on. "Coming" holds nothing: what is made of it in 3 stands in
//! "moved". Whoever ends the session deletes it here, then there: 2 or 3 finds nothing to save over. So "coming" alone
//! is no session, and neither is "moved" alone, which is what is left when the session ended between 3 and 4.

use std::sync::Arc;

use chrono::DateTime;

use crate::sessions::{SaveIf, SessionRecord};

/// Begins data that this wrapper wrote: no format of a dictionary has this tag.
const MARK: u8 = 0xfb;
/// The data begin with the mark themselves: here they follow.
const AS_IT_IS: u8 = 0;
const COMING: u8 = 1;
const MOVED: u8 = 2;

/// Saves over "coming" and nothing else: a session's versions begin at 1.
pub(super) const IF_COMING: SaveIf = SaveIf::Version(0);

/// What a store has under an id.
pub(super) enum Held {
    /// A session, as it was saved.
    Session(Arc<SessionRecord>),
    Coming,
    /// What the session was.
    Moved(Arc<SessionRecord>),
}

impl Held {
    /// What that record means. One that cannot be read is none, and logged.
    pub(super) fn of(record: Arc<SessionRecord>) -> Option<Self> {
        match &*record.data {
            [MARK, AS_IT_IS, data @ ..] => Some(Self::Session(with_data(&record, record.version, data.into()))),
            [MARK, COMING] => Some(Self::Coming),
            [MARK, MOVED, data @ ..] => {
                Some(Self::Moved(with_data(&record, record.version.wrapping_sub(1), data.into())))
            }
            [MARK, ..] => {
                tracing::warn!("a session that was on its way is damaged; it counts as none");
                None
            }
            _ => Some(Self::Session(record)),
        }
    }
}

/// The record as it is stored in the new store.
pub(super) fn arrived(record: Arc<SessionRecord>) -> Arc<SessionRecord> {
    if record.data.first() == Some(&MARK) { marked(&record, record.version, AS_IT_IS) } else { record }
}

/// What holds its place there.
pub(super) fn coming(record: &SessionRecord) -> Arc<SessionRecord> {
    let mut coming = SessionRecord::new(record.created_at, record.expires_at, record.ends_at);
    (coming.version, coming.data) = (0, [MARK, COMING].into());
    Arc::new(coming)
}

/// What takes the place away again.
pub(super) fn not_coming(record: &SessionRecord) -> Arc<SessionRecord> {
    let mut coming = SessionRecord::clone(&coming(record));
    coming.expires_at = DateTime::UNIX_EPOCH;
    Arc::new(coming)
}

/// What is left of it in the old store. The login stays, so that the user's sessions are found.
pub(super) fn moved(record: &SessionRecord) -> Arc<SessionRecord> {
    marked(record, record.version.wrapping_add(1), MOVED)
}

fn marked(record: &SessionRecord, version: u64, mark: u8) -> Arc<SessionRecord> {
    with_data(record, version, [&[MARK, mark], &*record.data].concat().into())
}

fn with_data(record: &SessionRecord, version: u64, data: Box<[u8]>) -> Arc<SessionRecord> {
    Arc::new(SessionRecord { version, data, ..record.clone() })
}
