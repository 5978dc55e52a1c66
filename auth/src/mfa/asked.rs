use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::MfaError;
use super::factor::TRIES;
use crate::records::{DynRecordStore, NewRecord, RecordKind, RecordReplaced};

/// Whom something is asked, what for, and in which attempt: an answer counts there only.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) user_id: &'a str,
    pub(super) purpose: &'static str,
    /// The login that is under way, or the session. A digest of it is kept, as a session's key is a secret.
    pub(super) attempt: &'a str,
}

impl Asked<'_> {
    /// There is one record for what is asked of a user in an attempt: no others can use it, and nobody can have more.
    pub(super) fn id(self) -> String {
        let mut digest = Sha256::new();
        for part in [self.purpose, self.user_id, self.attempt] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Base64UrlUnpadded::encode_string(&digest.finalize())
    }

    /// Keeps what is asked now in the place of what was asked before, in one step, so that there is never a second one.
    pub(super) async fn keep(
        self,
        records: &DynRecordStore,
        kind: RecordKind,
        record: NewRecord,
    ) -> Result<(), MfaError> {
        let id = self.id();
        for _ in 0..TRIES {
            let kept = match records.get(kind, &[&id]).await?.pop().flatten() {
                None => records.insert(kind, &id, record.clone()).await?,
                Some(old) => records.replace(kind, &id, old.version, record.clone()).await? == RecordReplaced::Done,
            };
            if kept {
                return Ok(());
            }
        }
        Err(MfaError::Contended)
    }
}
