//! Codes on paper, for whoever has lost the other factors.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::factor::{Kept, Stored};
use super::{FactorKind, MFAAuthentication, MfaError, base32};
use crate::secret::{self, SecretString};

/// How many there are in a set.
const CODES: usize = 10;
/// 120 bits each.
const BYTES: usize = 15;
const CHARACTERS: usize = 24;
/// As many characters stand together.
const GROUP: usize = 4;
const NAME: &str = "Recovery codes";

/// What is kept of a set.
#[derive(Serialize, Deserialize)]
struct Data {
    /// Digests of those that are left.
    codes: Vec<String>,
}

impl MFAAuthentication {
    /// A new set of ten recovery codes, to be shown once: `7k2m-9x4c-…`, letters and digits without look-alikes. Those that
    /// there were are void.
    ///
    /// # Errors
    /// [`MfaError::Invalid`] when the user has no other factor: alone they are no second one; when the store
    /// fails.
    ///
    /// # Security
    /// Each has 120 random bits, so that a plain SHA-256 is kept of it, without salt or cost: nothing can be guessed there
    /// (ASVS 6.5.2 asks for 112). It needs no key, and outlives changes of the application's secret, as what lies in a drawer
    /// must.
    pub async fn generate_recovery_codes(&self, user_id: &str) -> Result<Vec<SecretString>, MfaError> {
        if self.required(user_id).await?.is_empty() {
            return Err(MfaError::Invalid("recovery codes stand in for another second factor, and there is none"));
        }
        let codes: Vec<_> = (0..CODES).map(|_| new_code()).collect();
        let data = written(&Data { codes: codes.iter().map(|code| digest(code)).collect() })?;
        let (id, now) = (id(user_id), self.clock.now());
        // A second time if another set is made at the same moment: the later one counts.
        for _ in 0..2 {
            let kept = if let Some(kept) = self.factors.find(user_id, &id).await? {
                let change = |stored: &mut Stored| {
                    (stored.data, stored.created_at, stored.last_used_at) = (data.clone(), now, None);
                    Ok(true)
                };
                self.factors.update(user_id, kept, change).await?
            } else {
                let added = self.factors.add_as(&id, user_id, FactorKind::RecoveryCodes, NAME, data.clone(), now);
                added.await?.is_some()
            };
            if kept {
                return Ok(codes.iter().map(|code| grouped(code)).collect());
            }
        }
        Err(MfaError::Contended)
    }

    /// How many recovery codes the user has left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remaining_recovery_codes(&self, user_id: &str) -> Result<usize, MfaError> {
        let kept = self.factors.find(user_id, &id(user_id)).await?;
        kept.map_or(Ok(0), |kept| Ok(read(&kept.stored.data)?.codes.len()))
    }

    /// Whether that is one of the user's recovery codes, which is used up by that. Capital letters, spaces and hyphens do not
    /// matter, and O, I and L are read as the digits that they look like.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_recovery_code(&self, user_id: &str, code: &str) -> Result<bool, MfaError> {
        let Some(given) = typed(code).map(|code| digest(&code)) else { return Ok(false) };
        let factors = self.factors.of(user_id).await?;
        let (sets, others): (Vec<_>, Vec<_>) = factors.into_iter().partition(is_set);
        // Alone they stand in for nothing.
        let Some(set) = sets.into_iter().next().filter(|_| !others.is_empty()) else { return Ok(false) };
        let now = self.clock.now();
        let used = self.factors.update(user_id, set, |stored| {
            let mut data = read(&stored.data)?;
            let before = data.codes.len();
            data.codes.retain(|code| !bool::from(code.as_bytes().ct_eq(given.as_bytes())));
            (stored.data, stored.last_used_at) = (written(&data)?, Some(now));
            Ok(data.codes.len() < before)
        });
        used.await
    }
}

/// The id of a user's set: there is one of them, also when two are made at once.
pub(super) fn id(user_id: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(format!("recovery codes of {user_id}")))
}

fn is_set(kept: &Kept) -> bool {
    kept.stored.kind == FactorKind::RecoveryCodes
}

fn new_code() -> Zeroizing<String> {
    base32::encode(base32::CROCKFORD, &*Zeroizing::new(secret::random::<BYTES>()))
}

/// A code as it is shown.
fn grouped(code: &str) -> SecretString {
    let groups: Vec<_> = (0..CHARACTERS).step_by(GROUP).map(|start| &code[start..start + GROUP]).collect();
    groups.join("-").into()
}

/// A code as it was made, from what somebody typed.
fn typed(text: &str) -> Option<Zeroizing<String>> {
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return None;
    }
    let mut code = Zeroizing::new(String::with_capacity(LONGEST));
    for character in text.chars().filter(|character| !matches!(character, ' ' | '-')) {
        code.push(match character.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        });
    }
    let fits = code.len() == CHARACTERS && code.bytes().all(|byte| base32::CROCKFORD.contains(&byte));
    fits.then_some(code)
}

fn digest(code: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(code))
}

fn written(data: &Data) -> Result<Value, MfaError> {
    serde_json::to_value(data).map_err(|_| MfaError::Damaged)
}

fn read(data: &Value) -> Result<Data, MfaError> {
    Data::deserialize(data).map_err(|_| MfaError::Damaged)
}
