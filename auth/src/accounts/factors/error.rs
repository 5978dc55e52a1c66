use crate::access::PermissionDenied;
use crate::accounts::Error;
use crate::mfa::MfaError;
use crate::sessions::SessionError;
use crate::users::UserError;

/// Why a user's second factors were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactorError {
    /// It takes the user in person, and a recent login; [`PermissionDenied::step_up`] says whether a better one would help.
    #[error(transparent)]
    Denied(#[from] PermissionDenied),
    /// What was asked for cannot be, or a store failed: then what was changed and what not can be seen in the list.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<MfaError> for FactorError {
    fn from(error: MfaError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<UserError> for FactorError {
    fn from(error: UserError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SessionError> for FactorError {
    fn from(error: SessionError) -> Self {
        Self::Failed(error.into())
    }
}
