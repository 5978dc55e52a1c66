use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use super::hasher::within_bounds;
use super::{PasswordError, PasswordHash, PasswordHasher, PasswordHashers};
use crate::secret::{MacKey, SecretKey, WeakSecret};

/// Secrets that are mixed into every password before it is hashed, each with an id. The newest makes new hashes; older
/// ones, given with [`Pepper::with_fallback`], still verify.
///
/// ```
/// # use auth::passwords::{Argon2Hasher, PasswordHashers, Pepper, PepperedHasher, Passwords};
/// # fn run(newest: &str, older: &str) -> Result<(), auth::passwords::PepperError> {
/// let pepper = Pepper::new("2027", newest)?.with_fallback("2026", older)?;
/// let hasher = PepperedHasher::new(pepper, Argon2Hasher::default());
/// let passwords = Passwords::new(PasswordHashers::new(hasher));
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Keep it apart from the database and its copies: then whoever has only these cannot try out a single password (NIST
/// SP 800-63B-4 §3.1.1.2; OWASP, Password Storage). Whoever loses it loses all passwords: keep a copy, and drop an
/// older secret only when no hash has its id any more. A secret that somebody else has learnt protects nothing: add
/// another, and have those whose hash still has its id set new passwords.
#[derive(Clone)]
pub struct Pepper {
    /// The newest first. There is always one.
    keys: Vec<(String, MacKey)>,
}

/// Why a pepper is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PepperError {
    /// It would not fit into the hash.
    #[error("the id of a pepper has from 1 to {} letters, digits, `-` and `_`", Pepper::MAX_ID)]
    Id,
    /// Two secrets have one id.
    #[error("there is a pepper `{id}` already")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// Fewer than [`SecretKey::MIN_BYTES`] bytes.
    #[error("the pepper `{id}` has fewer than 32 bytes; `openssl rand -base64 48` makes a good one")]
    TooShort {
        /// The id.
        id: String,
    },
    /// A placeholder, or so few different characters that it cannot be random.
    #[error("the pepper `{id}` looks like a placeholder; `openssl rand -base64 48` makes a good one")]
    Placeholder {
        /// The id.
        id: String,
    },
}

impl Pepper {
    /// The longest id. With it, an argon2id hash still fits into Django's column of 128 characters.
    pub const MAX_ID: usize = 16;

    /// The secret for new hashes. Its id stands in each of them.
    ///
    /// # Errors
    /// [`PepperError`] when it is shorter than 32 bytes or a placeholder, or the id is empty, longer than 16
    /// characters, or of others than letters, digits, `-` and `_`.
    pub fn new(id: &str, secret: &str) -> Result<Self, PepperError> {
        Self { keys: Vec::new() }.with_fallback(id, secret)
    }

    /// Also verifies hashes that were made with this older secret; they need a re-hash.
    ///
    /// # Errors
    /// As for [`Pepper::new`], and [`PepperError::Duplicate`] where the id is taken.
    pub fn with_fallback(mut self, id: &str, secret: &str) -> Result<Self, PepperError> {
        if !is_id(id) {
            return Err(PepperError::Id);
        }
        let id = id.to_owned();
        if self.key(&id).is_some() {
            return Err(PepperError::Duplicate { id });
        }
        match SecretKey::new(secret) {
            Ok(secret) => self.keys.push((id, secret.derive("password pepper"))),
            Err(WeakSecret::TooShort) => return Err(PepperError::TooShort { id }),
            Err(_) => return Err(PepperError::Placeholder { id }),
        }
        Ok(self)
    }

    fn newest(&self) -> &(String, MacKey) {
        self.keys.first().expect("there is always one")
    }

    fn key(&self, id: &str) -> Option<&MacKey> {
        self.keys.iter().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|(id, _)| id).collect();
        f.debug_struct("Pepper").field("ids", &ids).finish_non_exhaustive()
    }
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=Pepper::MAX_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// Mixes a [`Pepper`] into passwords before another hasher hashes them.
///
/// Writes `pepper$<id>$<hash>`, where the hash is what the other hasher makes of the password's HMAC-SHA256, in 43
/// characters; so a long password is not cut by any hasher. Reads that with every secret of the pepper and the hash of
/// any registered algorithm, and hashes without a pepper as well; all but those of the newest secret, and of
/// parameters that are strong enough, need a re-hash. So a pepper can be introduced and changed, and the hasher under
/// it too, without logging anybody out.
///
/// # Security
/// A hash with the id of a secret that is not there never verifies; that is logged.
#[derive(Debug)]
pub struct PepperedHasher {
    pepper: Pepper,
    hashers: PasswordHashers,
}

const PREFIX: &str = "pepper$";

impl PepperedHasher {
    /// Hashes with this hasher what this pepper makes of a password.
    pub fn new(pepper: Pepper, hasher: impl PasswordHasher) -> Self {
        Self { pepper, hashers: PasswordHashers::new(hasher) }
    }
}

impl PasswordHasher for PepperedHasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        within_bounds(password)?;
        let (id, key) = self.pepper.newest();
        let hash = self.hashers.hash(&peppered(key, password))?;
        Ok(PasswordHash::new(format!("{PREFIX}{id}${}", hash.expose())))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        within_bounds(password)?;
        let found = match parse(hash) {
            Some((id, inner)) => {
                let Some(key) = self.pepper.key(id) else {
                    tracing::error!(id, "a stored password hash was made with a pepper that is not there");
                    return Ok(false);
                };
                self.hashers.check(&peppered(key, password), &inner)?
            }
            None => self.hashers.check(password, hash)?,
        };
        Ok(found.unwrap_or(false))
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        parse(hash).is_none_or(|(id, inner)| id != self.pepper.newest().0 || self.hashers.needs_rehash(&inner))
    }

    fn reads(&self, hash: &PasswordHash) -> bool {
        self.hashers.reads(hash)
    }

    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        within_bounds(password)?;
        // Of what cannot be checked, nothing was done.
        let checked = match parse(hash) {
            None => hash.clone(),
            Some((id, inner)) if self.pepper.key(id).is_some() => inner,
            Some(_) => PasswordHash::default(),
        };
        self.hashers.preferred().harden_runtime(password, &checked)
    }
}

/// The id and the other hasher's hash.
fn parse(hash: &PasswordHash) -> Option<(&str, PasswordHash)> {
    let (id, inner) = hash.expose().strip_prefix(PREFIX)?.split_once('$')?;
    is_id(id).then(|| (id, PasswordHash::new(inner)))
}

fn peppered(key: &MacKey, password: &str) -> Zeroizing<String> {
    Zeroizing::new(Base64UrlUnpadded::encode_string(&key.sign(&[password.as_bytes()])))
}
