use std::path::PathBuf;

/// Why mail is not sent by SMTP. Nothing secret stands in it; what a server says may name the recipient.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// There is no sender.
    #[error("mail is sent from an address: `Example <accounts@example.com>`")]
    From,
    /// There is no server.
    #[error(
        "mail is sent through a server at `smtps://user:password@host` or `smtp://user:password@host`, with a port or not; user and \
         password are percent-encoded"
    )]
    Address,
    /// Whom to trust cannot be read.
    #[error("there is no certificate of an authority in {}", .0.display())]
    Authorities(PathBuf),
    /// The server cannot be spoken to, or not by TLS.
    #[error("the mail server cannot be spoken to")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses the mail, or whoever sends it.
    #[error("the mail server refuses")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("the mail server did not take the mail in time")]
    TimedOut,
}

impl SmtpError {
    pub(super) fn of(error: lettre::transport::smtp::Error) -> Self {
        if error.is_permanent() || error.is_transient() {
            Self::Refused(error.into())
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Unreachable(error.into())
        }
    }
}
