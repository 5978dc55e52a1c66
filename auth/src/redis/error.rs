use redis::RedisError;
use tokio::time::error::Elapsed;

/// Why a Redis could not be asked. Whoever asks makes an error of their own of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedisFailure {
    /// The address or another setting does not fit.
    #[error("{0}")]
    Configuration(String),
    /// The server, or the way to it, failed.
    #[error(transparent)]
    Server(#[from] RedisError),
    /// No answer came in time.
    #[error(transparent)]
    TooLate(#[from] Elapsed),
}
