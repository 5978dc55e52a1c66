use std::fmt;

use chrono::{DateTime, Utc};

use crate::mfa::{AuthMethods, FactorKind};
use crate::secret::SecretString;
use crate::sessions::Identity;
use crate::users::CredentialVersion;

/// A login whose first factor is proved, and whose second is required: nobody is logged in.
#[derive(Clone)]
pub struct FirstFactor {
    pub(in crate::accounts) user_id: String,
    pub(in crate::accounts) credential: CredentialVersion,
    pub(in crate::accounts) methods: AuthMethods,
    pub(in crate::accounts) factors: Vec<FactorKind>,
    pub(in crate::accounts) identity: Option<Identity>,
}

impl FirstFactor {
    /// By which kinds of factors the user can go on.
    pub fn factors(&self) -> &[FactorKind] {
        &self.factors
    }
}

impl fmt::Debug for FirstFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstFactor").field("factors", &self.factors).finish_non_exhaustive()
    }
}

/// A login that waits for its second factor: for ten minutes, and five tries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingLogin {
    /// Its id, which is no secret.
    pub id: String,
    /// The user, who is not logged in.
    pub user_id: String,
    /// By which kinds of factors the user can go on.
    pub factors: Vec<FactorKind>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// What a program goes on by, when it has just been held.
    pub token: Option<SecretString>,
}
