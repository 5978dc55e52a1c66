use crate::records::RecordError;

/// Why a token could not be made, checked or revoked. That a token is not valid is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// What was asked for cannot be: a name, a scope, a lifetime (HTTP 400). The text is for whoever asked.
    #[error("{0}")]
    Invalid(&'static str),
    /// There are as many as there may be.
    #[error("there are {max} of them already")]
    TooMany {
        /// The most.
        max: usize,
    },
    /// A setting does not fit.
    #[error("{0}")]
    Configuration(String),
    /// Others were quicker, time and again: nothing was done.
    #[error("too many change the same token at once")]
    Contended,
    /// What the store holds cannot be read: whether a token is valid cannot be told.
    #[error("a stored token is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The store failed: whether a token is valid cannot be told.
    #[error("the store of tokens failed")]
    Store(#[source] RecordError),
    /// Whether its user still may cannot be told.
    #[error("the user of a token cannot be looked up")]
    Subjects(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TokenError {
    /// What a [`TokenSubjects`](super::TokenSubjects) could not find out.
    pub fn subjects(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Subjects(source.into())
    }
}

impl From<RecordError> for TokenError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Unfit { .. } => Self::Invalid("an id is too long, or has characters that no id has"),
            RecordError::Configuration(said) => Self::Configuration(said),
            error => Self::Store(error),
        }
    }
}
