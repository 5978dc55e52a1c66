use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::database::{Field, FieldError, Kind, Value};
use crate::secret;

/// A password's hash, as it stands in the database: a PHC string or one of Django's encodings.
///
/// It is redacted in `Debug` whatever derives the user struct has, it is never serialised, compared in constant time
/// and wiped when dropped. Empty or beginning with `!` means unusable: no password verifies.
#[derive(Clone, Default)]
pub struct PasswordHash {
    encoded: String,
    changed: bool,
}

impl PasswordHash {
    /// A hash that a hasher made. Writing the user stores it; one read from the database is only written where it changed.
    pub fn new(encoded: impl Into<String>) -> Self {
        Self { encoded: encoded.into(), changed: true }
    }

    /// No password: nothing verifies against it. Random, so that no two accounts look alike.
    pub fn unusable() -> Self {
        Self::new(format!("!{}", Base64UrlUnpadded::encode_string(&secret::random::<30>())))
    }

    /// Whether there is a password at all.
    pub fn is_usable(&self) -> bool {
        !self.encoded.is_empty() && !self.encoded.starts_with('!')
    }

    /// The text a hasher wrote. Handle it like the password itself.
    pub fn expose(&self) -> &str {
        &self.encoded
    }

    /// The name of the algorithm, which stands in front: `argon2id` of `$argon2id$v=19$…`, `pbkdf2_sha256` of
    /// `pbkdf2_sha256$…`. Empty for an unusable hash.
    pub fn algorithm(&self) -> &str {
        if !self.is_usable() {
            return "";
        }
        let text = self.encoded.strip_prefix('$').unwrap_or(&self.encoded);
        text.split('$').next().unwrap_or_default()
    }

    /// The same hash as a store gives it back: it is kept already, and no update writes it again.
    pub(crate) fn stored(&self) -> Self {
        Self { encoded: self.encoded.clone(), changed: false }
    }

    /// Whether it was set since it was read from a store.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.encoded.as_bytes().ct_eq(other.encoded.as_bytes()).into()
    }
}

impl Eq for PasswordHash {}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_usable() { "PasswordHash(…)" } else { "PasswordHash(unusable)" })
    }
}

impl Drop for PasswordHash {
    fn drop(&mut self) {
        self.encoded.zeroize();
    }
}

impl Field for PasswordHash {
    const KIND: Kind = Kind::Text;

    fn to_value(&self) -> Value {
        self.encoded.to_value()
    }

    fn from_value(value: Value) -> Result<Self, FieldError> {
        Ok(Self { encoded: String::from_value(value)?, changed: false })
    }
}
