use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::oauth2::OAuthUserInfo;
use crate::records::{DynRecordStore, NewRecord, Record, RecordError, RecordKind};

const KIND: RecordKind = RecordKind::new("oauth_identity");

/// An account at another provider that belongs to a user, for the list of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkedIdentity {
    /// Its id here, which is no secret: a digest of issuer and subject.
    #[serde(skip_deserializing)]
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// Who vouches for it.
    pub issuer: String,
    /// What the issuer knows the account by.
    pub subject: String,
    /// Its verified mail address when it was linked, to be shown.
    pub email: Option<String>,
    /// What its owner went by there when it was linked, to be shown.
    pub username: Option<String>,
    /// Since when it belongs to the user.
    pub linked_at: DateTime<Utc>,
}

/// Shows neither address nor name.
impl fmt::Debug for LinkedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, issuer, subject, .. } = self;
        let mut shown = f.debug_struct("LinkedIdentity");
        shown.field("provider", provider).field("issuer", issuer).field("subject", subject).finish_non_exhaustive()
    }
}

/// The most bytes of what is kept to be shown.
const MAX_SHOWN: usize = 320;
/// The most bytes of a subject (OpenID Connect Core §2) and of an issuer.
const MAX_SUBJECT: usize = 255;
const MAX_ISSUER: usize = 1024;

impl LinkedIdentity {
    pub(super) fn new(provider: &str, info: &OAuthUserInfo, linked_at: DateTime<Utc>) -> Self {
        let shown = |text: Option<&str>| text.filter(|text| text.len() <= MAX_SHOWN).map(str::to_owned);
        Self {
            id: id(&info.issuer, &info.subject),
            provider: provider.to_owned(),
            issuer: info.issuer.clone(),
            subject: info.subject.clone(),
            email: shown(info.verified_email()),
            username: shown(info.username.as_deref()),
            linked_at,
        }
    }
}

/// Whether it names an account.
pub(super) fn is_sound(info: &OAuthUserInfo) -> bool {
    let fits = |text: &str, most| (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    fits(&info.subject, MAX_SUBJECT) && fits(&info.issuer, MAX_ISSUER)
}

/// What an identity is kept under.
fn id(issuer: &str, subject: &str) -> String {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    let digest = Sha256::new().chain_update(length).chain_update(issuer).chain_update(subject).finalize();
    Base64UrlUnpadded::encode_string(&digest)
}

/// Whose each identity is.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct IdentityStore {
    records: DynRecordStore,
}

impl IdentityStore {
    pub(in crate::accounts) fn over(records: DynRecordStore) -> Self {
        Self { records }
    }

    /// The user whose it is.
    pub(super) async fn owner(&self, info: &OAuthUserInfo) -> Result<Option<String>, RecordError> {
        let found = self.records.get(KIND, &[&id(&info.issuer, &info.subject)]).await?.pop().flatten();
        Ok(found.and_then(|record| record.owner))
    }

    /// Gives it to the user, if it is nobody's. Says whether it did: of many at once, one is told so.
    pub(super) async fn insert(&self, user_id: &str, identity: &LinkedIdentity) -> Result<bool, RecordError> {
        let value = serde_json::to_vec(identity).map_err(RecordError::store)?;
        let record = NewRecord { owner: Some(user_id.to_owned()), value, expires_at: never() };
        self.records.insert(KIND, &identity.id, record).await
    }

    /// All of a user's, the oldest first.
    pub(super) async fn of(&self, user_id: &str) -> Result<Vec<LinkedIdentity>, RecordError> {
        let records = self.records.owned(KIND, user_id).await?;
        let read = |(id, record): (String, Record)| read(id, &record);
        let mut found = records.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|a, b| (a.linked_at, &a.id).cmp(&(b.linked_at, &b.id)));
        Ok(found)
    }

    /// Takes it from the user, if it is this user's.
    pub(super) async fn take(&self, user_id: &str, id: &str) -> Result<Option<LinkedIdentity>, RecordError> {
        let found = self.records.get(KIND, &[id]).await?.pop().flatten();
        if found.is_none_or(|record| record.owner.as_deref() != Some(user_id)) {
            return Ok(None);
        }
        let Some(taken) = self.records.take(KIND, id).await? else { return Ok(None) };
        if taken.owner.as_deref() == Some(user_id) {
            return read(id.to_owned(), &taken).map(Some);
        }
        // It was unlinked and linked by somebody else meanwhile: theirs it stays.
        let Record { owner, value, expires_at, .. } = taken;
        self.records.insert(KIND, id, NewRecord { owner, value, expires_at }).await?;
        Ok(None)
    }

    /// Takes all from the user, and says how many there were.
    pub(super) async fn take_all(&self, user_id: &str) -> Result<u64, RecordError> {
        self.records.delete_owned(KIND, user_id).await
    }
}

fn read(id: String, record: &Record) -> Result<LinkedIdentity, RecordError> {
    let read = serde_json::from_slice(&record.value).map_err(RecordError::store)?;
    Ok(LinkedIdentity { id, ..read })
}

/// An end that nobody lives to see, and that every store can hold.
fn never() -> DateTime<Utc> {
    const YEAR_9000: i64 = 221_845_392_000;
    DateTime::from_timestamp(YEAR_9000, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
