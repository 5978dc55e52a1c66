//! What fits every store, so that all agree.

use super::{MAX_RECORD, NewRecord, RecordError};
use crate::secret;

const MAX_ID: usize = 255;
/// In characters, of which each has four bytes at the most.
pub(super) const MAX_OWNER: usize = 255;

/// Whether a record can stand under that id.
pub(super) fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && !id.contains('\0')
}

/// Whether that can have records.
pub(super) fn is_owner(owner: &str) -> bool {
    owner.len() <= 4 * MAX_OWNER && owner.chars().count() <= MAX_OWNER && !owner.contains('\0')
}

/// Asked before each writing.
pub(super) fn check(id: &str, record: &NewRecord) -> Result<(), RecordError> {
    let unfit = |part| Err(RecordError::Unfit { part });
    if !is_id(id) {
        return unfit("id");
    }
    if !record.owner.as_deref().is_none_or(is_owner) {
        return unfit("owner");
    }
    if record.value.len() > MAX_RECORD {
        return unfit("value");
    }
    Ok(())
}

/// What no other writing has, and what a signed column holds.
pub(super) fn new_version() -> u64 {
    u64::from_be_bytes(secret::random()) >> 1
}
