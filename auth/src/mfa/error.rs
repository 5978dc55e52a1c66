use crate::records::RecordError;

/// What goes wrong with second factors. That a code is wrong is an answer, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MfaError {
    /// What was asked for cannot be; the text says why.
    #[error("{0}")]
    Invalid(&'static str),
    /// There are as many factors as a user may have.
    #[error("a user has {max} second factors at the most")]
    TooMany {
        /// How many.
        max: usize,
    },
    /// A setting is wrong or missing.
    #[error("{0}")]
    Configuration(String),
    /// What is kept of a factor cannot be read: it is damaged, or encrypted by a secret that the application no longer has.
    #[error("what is kept of a second factor cannot be read")]
    Damaged,
    /// Others were quicker too many times.
    #[error("too many changes at once; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RecordError),
    /// What a factor needs beside the store failed: a message could not be sent, a key not be made.
    #[error("a second factor cannot be used right now")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
