/// Why the work that new hashes are to take is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HasherParamsError {
    /// Less work than the least that OWASP recommends.
    #[error("too little work; needed is at least {least} (OWASP, Password Storage)")]
    TooWeak {
        /// What could be asked for.
        least: &'static str,
    },
    /// More than anybody who may log in should be able to make a server do.
    #[error("too much work; taken is at most {most}")]
    TooMuch {
        /// What could be asked for.
        most: &'static str,
    },
}
