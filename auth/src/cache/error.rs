/// Why a cache could not answer. That there is no value is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The value is larger than the cache takes, or gives.
    #[error("the value is larger than the cache takes")]
    TooLarge,
    /// The address or another setting does not fit the cache.
    #[error("{0}")]
    Configuration(String),
    /// The cache failed. Whether something was written cannot be told.
    #[error("the cache failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CacheError {
    /// A failure of the cache.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }
}
