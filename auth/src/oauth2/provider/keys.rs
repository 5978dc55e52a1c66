//! The keys whose public halves others verify this provider's tokens by.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::records::{DynRecordStore, NewRecord, Record, RecordError, RecordKind, RecordReplaced};
use crate::seal;
use crate::secret::{MacKey, SecretKey, SecretString};
use crate::tokens::{JwtAlgorithm, JwtError, JwtKey, KeyRing};

/// The keys that sign ID tokens: the application's own, or keys that are made and changed here.
///
/// Those made here are kept in the application's records, so that all its servers have the same. Every 30 days another one
/// signs: it is published a day before, and the one before it for a week after.
///
/// # Security
/// The private halves are kept encrypted, by a key derived from the application's secret. When that secret is changed, the older
/// one must stay as a fallback until the keys have changed once, or [`SigningKeys::renew`] begins anew.
#[derive(Clone)]
pub struct SigningKeys(Source);

#[derive(Clone)]
enum Source {
    Given(KeyRing),
    Managed(Arc<Managed>),
}

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The key that signs is a secret: nobody else could verify what it signs.
    #[error("ID tokens are signed by a private key, not by a secret")]
    Secret,
    /// The keys are the application's own: it changes them.
    #[error("these keys are the application's own")]
    Given,
    /// A setting is out of its bounds.
    #[error("{0}")]
    Setting(&'static str),
    /// What is kept is damaged, or encrypted by a secret that the application no longer has.
    #[error("the signing keys cannot be read; give the older secret as a fallback, or renew the keys")]
    Unreadable,
    /// Others were quicker too many times.
    #[error("the signing keys change too often; try again")]
    Contended,
    /// A key does not fit, or could not be made.
    #[error(transparent)]
    Key(#[from] JwtError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RecordError),
}

impl SigningKeys {
    /// Keys of the application's own: the newest signs, and all are published.
    ///
    /// # Errors
    /// [`SigningKeyError::Secret`], and [`SigningKeyError::Key`] for a ring that verifies only.
    pub fn given(keys: KeyRing) -> Result<Self, SigningKeyError> {
        let signing = keys.signing().ok_or(JwtError::VerifiesOnly)?;
        match keys.keys()[signing].algorithm() {
            JwtAlgorithm::Hs256 => Err(SigningKeyError::Secret),
            JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 | JwtAlgorithm::EdDsa => Ok(Self(Source::Given(keys))),
        }
    }

    /// Keys that are made when they are first needed, and kept in this store under this secret.
    ///
    /// Every client must know RS256 (OpenID Connect Core §15.1). With another algorithm than before, the keys are others at once.
    ///
    /// # Errors
    /// [`SigningKeyError::Secret`] for HS256.
    pub fn managed(
        algorithm: JwtAlgorithm,
        records: DynRecordStore,
        secret: &SecretKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SigningKeyError> {
        if algorithm == JwtAlgorithm::Hs256 {
            return Err(SigningKeyError::Secret);
        }
        let seal = secret.derive("auth: oauth2 signing keys");
        Ok(Self(Source::Managed(Arc::new(Managed::new(algorithm, records, seal, clock, TimeDelta::days(30))))))
    }

    /// Has another key sign that often: every 30 days unless set, between two days and a year.
    ///
    /// # Errors
    /// [`SigningKeyError::Setting`] for less or more, [`SigningKeyError::Given`] for keys of the application's own.
    pub fn rotate_every(self, period: Duration) -> Result<Self, SigningKeyError> {
        let Source::Managed(managed) = self.0 else { return Err(SigningKeyError::Given) };
        let period = TimeDelta::from_std(period).ok();
        let period = period.filter(|period| (TimeDelta::days(2)..=TimeDelta::days(366)).contains(period));
        let period = period.ok_or(SigningKeyError::Setting("signing keys change every two days to once a year"))?;
        let Managed { algorithm, records, seal, clock, .. } = &*managed;
        let managed = Managed::new(*algorithm, records.clone(), seal.clone(), clock.clone(), period);
        Ok(Self(Source::Managed(Arc::new(managed))))
    }

    /// The keys of now: the one that signs, first, and all that are published.
    ///
    /// They are read once a minute at the most.
    ///
    /// # Errors
    /// When they cannot be read or made: then nothing is signed.
    pub async fn ring(&self) -> Result<KeyRing, SigningKeyError> {
        match &self.0 {
            Source::Given(keys) => Ok(keys.clone()),
            Source::Managed(managed) => managed.ring().await,
        }
    }

    /// What they sign by.
    pub fn algorithm(&self) -> JwtAlgorithm {
        match &self.0 {
            // The newest stands first.
            Source::Given(keys) => keys.keys()[0].algorithm(),
            Source::Managed(managed) => managed.algorithm,
        }
    }

    /// Throws all keys away and makes another, which signs at once: for when one has become known. What they signed is refused
    /// here within a minute, and by others when they next fetch the keys.
    ///
    /// # Errors
    /// [`SigningKeyError::Given`] for keys of the application's own, and when another cannot be made or kept.
    pub async fn renew(&self) -> Result<(), SigningKeyError> {
        match &self.0 {
            Source::Given(_) => Err(SigningKeyError::Given),
            Source::Managed(managed) => managed.renew().await,
        }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Given(keys) => f.debug_tuple("SigningKeys").field(keys).finish(),
            Source::Managed(managed) => {
                f.debug_struct("SigningKeys").field("algorithm", &managed.algorithm).finish_non_exhaustive()
            }
        }
    }
}

struct Managed {
    algorithm: JwtAlgorithm,
    records: DynRecordStore,
    seal: MacKey,
    clock: Arc<dyn Clock>,
    /// For how long a key signs.
    period: TimeDelta,
    known: RwLock<Option<Known>>,
    /// Held by the one that reads or makes keys, while others wait for the same.
    loading: Mutex<()>,
}

/// What was read, and from when to when it is so.
struct Known {
    ring: KeyRing,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

const KIND: RecordKind = RecordKind::new("oauth_signing_keys");
const PURPOSE: &[u8] = b"signing keys";
/// For how long what was read is believed.
const RELOAD: TimeDelta = TimeDelta::minutes(1);
/// How long a key is published before it signs: longer than others keep what is published.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// How long a key is published after it signed last: longer than anything that it signed is valid.
const AFTER: TimeDelta = TimeDelta::days(7);
const TRIES: usize = 8;

impl Managed {
    fn new(
        algorithm: JwtAlgorithm,
        records: DynRecordStore,
        seal: MacKey,
        clock: Arc<dyn Clock>,
        period: TimeDelta,
    ) -> Self {
        let (known, loading) = Default::default();
        Self { algorithm, records, seal, clock, period, known, loading }
    }

    async fn ring(&self) -> Result<KeyRing, SigningKeyError> {
        if let Some(ring) = self.known() {
            return Ok(ring);
        }
        let _loading = self.loading.lock().await;
        match self.known() {
            Some(ring) => Ok(ring),
            None => self.load().await,
        }
    }

    fn known(&self) -> Option<KeyRing> {
        let now = self.clock.now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| (known.from..known.until).contains(&now)).map(|known| known.ring.clone())
    }

    /// Reads the keys, and makes the first or the next where it is missing. Of several servers that do, one is heard.
    async fn load(&self) -> Result<KeyRing, SigningKeyError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let record = self.records.get(KIND, &[self.algorithm.name()]).await?.pop().flatten();
            let mut keys = record.as_ref().map_or(Ok(Vec::new()), |record| self.open(record))?;
            let is_current = !keys.is_empty() && !self.is_due(&keys, now);
            if !is_current {
                keys = published(keys, now);
                let signs_from = if keys.is_empty() { now } else { now + AHEAD };
                keys.push(self.generate(signs_from).await?);
                let (id, new) = (self.algorithm.name(), self.record(&keys)?);
                let is_written = match record {
                    None => self.records.insert(KIND, id, new).await?,
                    Some(Record { version, .. }) => {
                        self.records.replace(KIND, id, version, new).await? == RecordReplaced::Done
                    }
                };
                if !is_written {
                    continue;
                }
            }
            return self.remember(keys, now);
        }
        Err(SigningKeyError::Contended)
    }

    async fn renew(&self) -> Result<(), SigningKeyError> {
        let _loading = self.loading.lock().await;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let keys = vec![self.generate(now).await?];
            drop(self.records.take(KIND, self.algorithm.name()).await?);
            if self.records.insert(KIND, self.algorithm.name(), self.record(&keys)?).await? {
                self.remember(keys, now)?;
                return Ok(());
            }
        }
        Err(SigningKeyError::Contended)
    }

    /// Whether it is time for the key after the newest.
    fn is_due(&self, keys: &[Kept], now: DateTime<Utc>) -> bool {
        keys.last().is_none_or(|newest| newest.signs_from + self.period - AHEAD <= now)
    }

    /// Away from the threads that serve: a key for RS256 takes a while.
    async fn generate(&self, signs_from: DateTime<Utc>) -> Result<Kept, SigningKeyError> {
        let algorithm = self.algorithm;
        let generated = tokio::task::spawn_blocking(move || JwtKey::generate(algorithm)).await;
        let (key, der) = generated.map_err(|_| JwtError::Signing)??;
        Ok(Kept { key, der, signs_from })
    }

    fn remember(&self, keys: Vec<Kept>, now: DateTime<Utc>) -> Result<KeyRing, SigningKeyError> {
        let keys = published(keys, now);
        let (signing, next) = at(&keys, now);
        let signing = signing.ok_or(SigningKeyError::Unreadable)?;
        let newest_first = keys.iter().rev().filter(|kept| kept.key.id() != signing.key.id());
        let ring = newest_first
            .map(|kept| kept.key.clone())
            .try_fold(KeyRing::new(signing.key.clone())?, KeyRing::and_verify)?;
        let until = next.map_or(now + RELOAD, |next| next.signs_from.min(now + RELOAD));
        let known = Known { ring: ring.clone(), from: now, until };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(ring)
    }

    fn record(&self, keys: &[Kept]) -> Result<NewRecord, SigningKeyError> {
        let newest = keys.last().ok_or(SigningKeyError::Unreadable)?;
        let der: Vec<_> = keys.iter().map(|kept| Zeroizing::new(Base64UrlUnpadded::encode_string(&kept.der))).collect();
        let written = keys.iter().zip(&der).map(|(kept, der)| Written { signs_from: kept.signs_from, der });
        // Enough room from the beginning, so that no half of it stays behind in memory.
        let size = der.iter().map(|der| der.len() + 128).sum();
        let mut json = Zeroizing::new(Vec::with_capacity(size));
        serde_json::to_writer(&mut *json, &written.collect::<Vec<_>>()).map_err(|_| SigningKeyError::Unreadable)?;
        let sealed = seal::seal(&self.seal, PURPOSE, &json).ok_or(SigningKeyError::Unreadable)?;
        // With nobody to make another, everything that it signed has expired then.
        let expires_at = newest.signs_from + self.period + AFTER;
        Ok(NewRecord { owner: None, value: sealed.into_bytes(), expires_at })
    }

    /// The keys of a record, the oldest first.
    fn open(&self, record: &Record) -> Result<Vec<Kept>, SigningKeyError> {
        #[derive(Deserialize)]
        struct Read {
            signs_from: DateTime<Utc>,
            der: SecretString,
        }
        let json = seal::open(&self.seal, PURPOSE, &record.value).ok_or(SigningKeyError::Unreadable)?;
        let read: Vec<Read> = serde_json::from_slice(&json).map_err(|_| SigningKeyError::Unreadable)?;
        let kept = |Read { signs_from, der }: Read| {
            let der = Base64UrlUnpadded::decode_vec(der.expose()).map(Zeroizing::new);
            let der = der.map_err(|_| SigningKeyError::Unreadable)?;
            Ok(Kept { key: JwtKey::private_der(self.algorithm, &der)?, der, signs_from })
        };
        read.into_iter().map(kept).collect()
    }
}

/// A key that is kept.
struct Kept {
    key: JwtKey,
    /// PKCS#8.
    der: Zeroizing<Vec<u8>>,
    signs_from: DateTime<Utc>,
}

#[derive(Serialize)]
struct Written<'a> {
    signs_from: DateTime<Utc>,
    der: &'a str,
}

/// The key that signs then, and the one that will after it.
fn at(keys: &[Kept], now: DateTime<Utc>) -> (Option<&Kept>, Option<&Kept>) {
    // The clock of whoever made the first key may be ahead of this one.
    let signing = keys.iter().rposition(|kept| kept.signs_from <= now).unwrap_or(0);
    (keys.get(signing), keys.get(signing + 1))
}

/// Without those that have not signed for so long that nobody needs them.
fn published(keys: Vec<Kept>, now: DateTime<Utc>) -> Vec<Kept> {
    let signed_until: Vec<_> = keys.iter().skip(1).map(|next| Some(next.signs_from)).chain([None]).collect();
    let is_needed = |until: Option<DateTime<Utc>>| until.is_none_or(|until| now < until + AFTER);
    keys.into_iter().zip(signed_until).filter(|(_, until)| is_needed(*until)).map(|(kept, _)| kept).collect()
}
