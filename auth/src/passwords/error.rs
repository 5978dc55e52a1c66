/// Why a password could not be hashed or checked. A wrong password is not an error but an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many passwords wait to be hashed; try again later (HTTP 503).
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// Longer than any hasher is given: refused before any work.
    #[error("the password is longer than {max} bytes")]
    TooLong {
        /// The most bytes.
        max: usize,
    },
    /// The hasher failed.
    #[error("the password could not be hashed")]
    Hasher(#[source] Box<dyn std::error::Error + Send + Sync>),
}
