use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::entry::Fields;
use crate::database::DatabaseError;
use crate::secret::{MacKey, SecretKey};

/// The last entry of a chain: its number and its MAC, which depends on every entry before it.
///
/// Written down where whoever may change the database may not (a log on another machine, a mail, paper), it later proves
/// with [`DatabaseAuditSink::verify_since`](super::DatabaseAuditSink::verify_since) that nothing up to it is gone. Nothing in it
/// is secret. `Display` and `FromStr` make a text of it and read that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub(super) seq: u64,
    pub(super) mac: [u8; 32],
}

/// A text that is no [`AuditHead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the head of an audit chain is a number, a dot and 43 letters")]
#[non_exhaustive]
pub struct ParseHeadError;

impl AuditHead {
    /// Before the first entry.
    pub(super) const NONE: Self = Self { seq: 0, mac: [0; 32] };

    /// The number of the last entry; 0 where there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, Base64UrlUnpadded::encode_string(&self.mac))
    }
}

impl FromStr for AuditHead {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let (seq, mac) = text.trim().split_once('.').ok_or(ParseHeadError)?;
        let mut bytes = [0; 32];
        let decoded = Base64UrlUnpadded::decode(mac, &mut bytes).map_err(|_| ParseHeadError)?;
        if decoded.len() != bytes.len() || !seq.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseHeadError);
        }
        Ok(Self { seq: seq.parse().map_err(|_| ParseHeadError)?, mac: bytes })
    }
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum ChainReport {
    /// Every entry is as it was written, and none is missing.
    #[non_exhaustive]
    Intact {
        /// How many there are.
        entries: u64,
        /// The entries up to this number were removed by [`prune`](super::DatabaseAuditSink::prune); 0 where none were.
        pruned: u64,
        /// The last entry: worth noting elsewhere.
        head: AuditHead,
    },
    /// The chain is intact, but the noted head was pruned since: whether the chain held it cannot be told any more.
    #[non_exhaustive]
    Forgotten {
        /// The entries up to this number were removed by [`prune`](super::DatabaseAuditSink::prune).
        pruned: u64,
    },
    /// Somebody changed what is kept.
    #[non_exhaustive]
    Damaged {
        /// The number of the first entry where it shows.
        seq: u64,
        /// How it shows.
        damage: ChainDamage,
    },
}

impl ChainReport {
    /// Whether nothing was changed.
    pub fn is_intact(&self) -> bool {
        matches!(self, Self::Intact { .. })
    }

    pub(super) fn damaged(seq: u64, damage: ChainDamage) -> Self {
        Self::Damaged { seq, damage }
    }
}

/// How it shows that a chain was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainDamage {
    /// What stands there is not what was written there: an entry was changed, exchanged with another, or put in another's place.
    Changed,
    /// There is no entry of that number, and there are later ones.
    Missing,
    /// An entry stands where none was written: after the last one, or among those that were pruned.
    Inserted,
    /// The entries from there to the end are gone.
    CutOff,
    /// What is kept of the chain's end is gone, changed, or older than the entries.
    Head,
    /// What is kept of its beginning was changed.
    Checkpoint,
    /// The chain is intact in itself, and is not the one that was noted: an older state was put back, or another one.
    RolledBack,
}

/// Why a chain could not be written, read or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditStoreError {
    /// The database failed.
    #[error("the audit entries cannot be reached")]
    Store(#[from] DatabaseError),
    /// The database took too long. Whether the entry was written is not known.
    #[error("the audit entry was not written in time")]
    TimedOut,
    /// The chain was tampered with. Nothing is added to it or removed from it, so that all of it can be looked at.
    #[error("the audit chain was tampered with: {0:?}")]
    Damaged(ChainReport),
}

/// The keys that make a chain.
#[derive(Clone, Debug)]
pub(super) struct ChainKey(MacKey);

impl ChainKey {
    pub(super) fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("auth: audit chain"))
    }

    /// The entry of those fields behind the one before.
    pub(super) fn next(&self, before: &AuditHead, fields: &Fields) -> AuditHead {
        let seq = before.seq + 1;
        AuditHead { seq, mac: with_parts(before, seq, fields, |parts| self.0.sign(parts)) }
    }

    /// Whether that MAC was made for the fields behind the entry before.
    pub(super) fn follows(&self, before: &AuditHead, fields: &Fields, mac: &[u8]) -> bool {
        with_parts(before, before.seq + 1, fields, |parts| self.0.verify(parts, mac))
    }

    pub(super) fn seal(&self, name: &str, pinned: &AuditHead) -> [u8; 32] {
        self.0.sign(&[b"pin", name.as_bytes(), &pinned.seq.to_be_bytes(), &pinned.mac])
    }

    pub(super) fn is_seal(&self, name: &str, pinned: &AuditHead, seal: &[u8]) -> bool {
        self.0.verify(&[b"pin", name.as_bytes(), &pinned.seq.to_be_bytes(), &pinned.mac], seal)
    }
}

fn with_parts<T>(before: &AuditHead, seq: u64, fields: &Fields, use_it: impl FnOnce(&[&[u8]]) -> T) -> T {
    let Fields { at, action, succeeded, texts, details } = fields;
    // A text that is not there is another one than the empty text.
    let there = texts.each_ref().map(|text| [u8::from(text.is_some())]);
    let text = |index: usize| texts[index].as_deref().unwrap_or_default().as_bytes();
    use_it(&[
        b"entry",
        &before.mac,
        &seq.to_be_bytes(),
        &at.to_be_bytes(),
        action.as_bytes(),
        &[u8::from(*succeeded)],
        there.as_flattened(),
        text(0),
        text(1),
        text(2),
        text(3),
        details.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_from_its_text_and_from_nothing_else() {
        let head = AuditHead { seq: 12, mac: [7; 32] };
        let text = head.to_string();
        assert_eq!(text.parse(), Ok(head));
        let cut = &text[..text.len() - 1];
        for bad in ["", ".", "12", "12.", cut, &format!("{text}A"), &format!("+{text}"), &format!("-{text}"), "x.y"] {
            assert_eq!(bad.parse::<AuditHead>(), Err(ParseHeadError), "{bad}");
        }
    }

    #[test]
    fn every_field_is_in_the_mac() {
        let key = ChainKey::new(&SecretKey::random());
        let fields = || Fields {
            at: 1,
            action: "a".to_owned(),
            succeeded: true,
            texts: [Some("u".to_owned()), Some(String::new()), None, None],
            details: "{}".to_owned(),
        };
        let mac = key.next(&AuditHead::NONE, &fields()).mac;
        assert!(key.follows(&AuditHead::NONE, &fields(), &mac));
        let edits: [fn(&mut Fields); 7] = [
            |fields| fields.at = 2,
            |fields| fields.action = "b".to_owned(),
            |fields| fields.succeeded = false,
            |fields| fields.texts[1] = None,
            |fields| fields.texts.swap(1, 2),
            |fields| fields.texts.swap(0, 1),
            |fields| fields.details.push(' '),
        ];
        for (index, edit) in edits.iter().enumerate() {
            let mut changed = fields();
            edit(&mut changed);
            assert!(!key.follows(&AuditHead::NONE, &changed, &mac), "{index}");
        }
        let elsewhere = AuditHead { seq: 1, ..AuditHead::NONE };
        assert!(!key.follows(&elsewhere, &fields(), &mac));
        assert!(!key.is_seal("checkpoint", &elsewhere, &key.seal("head", &elsewhere)));
    }
}
