use std::fmt;

use sha2::{Digest as _, Sha256};

/// What tries are counted under: a digest, so that every key takes the same memory whatever somebody typed, and a
/// store's keys show no names.
///
/// # Security
/// Names can be guessed, and a digest of a name with them: it hides nothing from somebody who may read the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey([u8; 32]);

impl LimitKey {
    /// The key of these parts, for that purpose. Neither purposes nor parts can run into one another.
    pub fn new(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in [purpose.as_bytes()].iter().chain(parts) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(any(feature = "__sql", feature = "limit-redis"))]
impl LimitKey {
    /// What a store that many share keeps it under.
    pub(super) fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LimitKey(…)")
    }
}
