/// Why a record could not be read or written. That there is none is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The id, the owner or the value is longer than a store holds, or a text holds what a database cannot.
    #[error("a record's {part} does not fit")]
    Unfit {
        /// Which.
        part: &'static str,
    },
    /// The store for that scheme is not compiled in.
    #[error("records at `{scheme}` need the feature `{feature}` of the crate `auth`")]
    NotEnabled {
        /// The scheme of the address.
        scheme: String,
        /// The feature that brings the store.
        feature: &'static str,
    },
    /// The address or another setting does not fit the store.
    #[error("{0}")]
    Configuration(String),
    /// The store failed: whether there is a record cannot be told.
    #[error("the store of records failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RecordError {
    /// A failure of the store.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }
}
