use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{LIFETIME, Meant};
use crate::mfa::Asked;
use crate::mfa::factor::TRIES;
use crate::mfa::{MFAAuthentication, MfaError};
use crate::records::{NewRecord, Record, RecordKind, RecordReplaced};
use crate::secret::{self, MacKey, SecretString};

const KIND: RecordKind = RecordKind::new("mfa_code");
/// How often a code may be tried.
const MOST_TRIES: u32 = 5;

/// The newest code of an attempt, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    challenge: String,
    /// Of the code, and of what it is for: six digits are found from a mere digest.
    tag: [u8; 32],
    tries: u32,
    meant: Meant,
}

impl MFAAuthentication {
    /// Keeps a new code in the place of the one before. Gives the code, what it is answered by, and its end.
    pub(super) async fn keep_code(
        &self,
        asked: Asked<'_>,
        meant: Meant,
    ) -> Result<(Zeroizing<String>, String, DateTime<Utc>), MfaError> {
        let (code, challenge) = (generate(), Uuid::new_v4().simple().to_string());
        let tag = self.code_key().sign(&parts(asked, &challenge, &code));
        let expires_at = self.clock.now() + LIFETIME;
        let record = Kept { challenge: challenge.clone(), tag, tries: 0, meant }.record(asked, expires_at)?;
        asked.keep(&self.records, KIND, record).await?;
        Ok((code, challenge, expires_at))
    }

    /// What the code leads to, if it is right. Of many tries at once each is counted before it is answered, and one that is right
    /// is the last.
    pub(super) async fn answer(
        &self,
        asked: Asked<'_>,
        challenge: &str,
        code: &SecretString,
    ) -> Result<Option<Meant>, MfaError> {
        let id = asked.id();
        // People type it in groups.
        let code: Zeroizing<String> = Zeroizing::new(code.expose().chars().filter(|c| !c.is_whitespace()).collect());
        for _ in 0..TRIES {
            let Some(record) = self.records.get(KIND, &[&id]).await?.pop().flatten() else { return Ok(None) };
            let mut kept = Kept::read(&record)?;
            let is_asked = record.owner.as_deref() == Some(asked.user_id) && kept.challenge == challenge;
            if !is_asked || kept.tries >= MOST_TRIES {
                return Ok(None);
            }
            let is_right = self.code_key().verify(&parts(asked, challenge, &code), &kept.tag);
            kept.tries = if is_right { MOST_TRIES } else { kept.tries + 1 };
            let counted = kept.record(asked, record.expires_at)?;
            match self.records.replace(KIND, &id, record.version, counted).await? {
                RecordReplaced::Done => return Ok(is_right.then_some(kept.meant)),
                RecordReplaced::Gone => return Ok(None),
                RecordReplaced::Changed => {}
            }
        }
        Err(MfaError::Contended)
    }

    fn code_key(&self) -> MacKey {
        self.secret.derive("auth: sent codes")
    }
}

impl Kept {
    fn read(record: &Record) -> Result<Self, MfaError> {
        serde_json::from_slice(&record.value).map_err(|_| MfaError::Damaged)
    }

    fn record(&self, asked: Asked<'_>, expires_at: DateTime<Utc>) -> Result<NewRecord, MfaError> {
        let value = serde_json::to_vec(self).map_err(|_| MfaError::Damaged)?;
        Ok(NewRecord { owner: Some(asked.user_id.to_owned()), value, expires_at })
    }
}

fn parts<'a>(asked: Asked<'a>, challenge: &'a str, code: &'a str) -> [&'a [u8]; 5] {
    [asked.purpose, asked.user_id, asked.attempt, challenge, code].map(str::as_bytes)
}

fn generate() -> Zeroizing<String> {
    loop {
        if let Some(code) = digits(u32::from_be_bytes(secret::random())) {
            return code;
        }
    }
}

/// Six digits (OWASP ASVS 6.5.4), each code as likely as any other: what is drawn beyond the last whole million would make small
/// ones likelier.
fn digits(drawn: u32) -> Option<Zeroizing<String>> {
    const CODES: u32 = 1_000_000;
    const END: u32 = u32::MAX - u32::MAX % CODES;
    (drawn < END).then(|| format!("{:06}", drawn % CODES).into())
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("tries", &self.tries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_drawn_by_as_many_numbers() {
        let text = |drawn: u32| digits(drawn).map(|code| code.to_string());
        assert_eq!(text(0).as_deref(), Some("000000"));
        assert_eq!(text(7_000_042).as_deref(), Some("000042"));
        assert_eq!(text(4_293_999_999).as_deref(), Some("999999"));
        // 2³² is 4294 millions, and what these would draw a second time.
        for drawn in [4_294_000_000, 4_294_967_295] {
            assert_eq!(text(drawn), None);
        }
    }

    #[test]
    fn neither_the_tag_nor_the_challenge_is_shown() {
        let meant = Meant::Proof { factor: "a factor".to_owned() };
        let shown = format!("{:?}", Kept { challenge: "a challenge".to_owned(), tag: [77; 32], tries: 0, meant });
        assert!(!shown.contains("77") && !shown.contains("challenge"), "{shown}");
    }
}
