use chrono::{DateTime, Utc};

use subtle::ConstantTimeEq as _;

use super::{Device, SessionKey};

/// A session as stores keep it. They read the moments and the version; the data are bytes to them.
///
/// Moments are cut to microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// 1 when the record is made, one more with every save.
    pub version: u64,
    /// [`SessionKey::verifier`] of the key that opens it; zeros, which no key has, until one is set.
    pub verifier: [u8; 32],
    /// Who is logged in.
    pub login: Option<Login>,
    /// The device it was made on.
    pub device: Option<Device>,
    /// When the session began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, give or take the touch threshold.
    pub seen_at: DateTime<Utc>,
    /// From this moment on there is no such session: the idle limit or the absolute one, whichever comes first.
    pub expires_at: DateTime<Utc>,
    /// The absolute limit, which no use moves.
    pub ends_at: DateTime<Utc>,
    /// The dictionary: a byte that says the format, and what it says. Empty when nothing was ever set.
    pub data: Box<[u8]>,
}

impl SessionRecord {
    /// The most bytes of data that a byte store keeps: a dictionary of a megabyte, and what wrappers put around it.
    pub const MAX_DATA: usize = 2 << 20;

    /// The first version of a record, empty.
    pub fn new(created_at: DateTime<Utc>, expires_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Self {
        Self {
            version: 1,
            verifier: [0; 32],
            login: None,
            device: None,
            created_at,
            seen_at: created_at,
            expires_at,
            ends_at,
            data: Box::default(),
        }
    }

    /// Whether this is a key to it.
    pub fn is_opened_by(&self, key: &SessionKey) -> bool {
        self.verifier.ct_eq(&key.verifier()).into()
    }

    /// Whether there is such a session at this moment.
    pub(crate) fn is_alive(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at && now < self.ends_at
    }

    /// Whose login it holds.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.login.as_ref().map(|login| login.user_id.as_str())
    }
}

/// Who is logged in, in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The user's primary key as text.
    pub user_id: String,
    /// A MAC over the user's credential version and what stands in its last byte, by which ways the user proved who they are:
    /// another password, another tie, no login.
    pub tie: [u8; 32],
    /// When the user proved who they are.
    pub at: DateTime<Utc>,
}

impl Login {
    /// Notes a login.
    pub fn new(user_id: impl Into<String>, tie: [u8; 32], at: DateTime<Utc>) -> Self {
        Self { user_id: user_id.into(), tie, at }
    }
}
