use crate::registry::UnknownEntry;

/// Why a session could not be read or written. That there is none is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The session ended while this request was running; nothing was written, and it does not come back.
    #[error("the session has ended")]
    Ended,
    /// Other requests changed the session at every try to save this change.
    #[error("the session is being changed by too many requests at once")]
    Contended,
    /// A value could not be written as JSON, or not be read as the type that was asked for.
    #[error("the session's `{key}` does not fit")]
    Value {
        /// The key it stands under.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// More data than a session may hold.
    #[error("the session holds more than {max} bytes")]
    TooLarge {
        /// The most bytes.
        max: usize,
    },
    /// There are as many sessions as there may be; no other was begun.
    #[error("there are {max} sessions already")]
    LimitReached {
        /// The most sessions.
        max: usize,
    },
    /// No backend is registered for the address's scheme.
    #[error(transparent)]
    UnknownBackend(#[from] UnknownEntry),
    /// The backend for that scheme is not compiled in.
    #[error("sessions at `{scheme}` need the feature `{feature}` of the crate `auth`")]
    NotEnabled {
        /// The scheme of the address.
        scheme: String,
        /// The feature that brings the backend.
        feature: &'static str,
    },
    /// The address or another setting does not fit the backend.
    #[error("{0}")]
    Configuration(String),
    /// The store failed: whether there is a session cannot be told.
    #[error("the session store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SessionError {
    /// A failure of the store.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }
}
