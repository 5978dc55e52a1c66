//! Mail by SMTP (RFC 5321).

mod error;
mod server;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncTransport as _};
use uuid::Uuid;

pub use self::error::SmtpError;
use self::server::Server;
use super::{Mail, MailError, Mailer};
use crate::BoxFuture;

/// Sends mail through an SMTP server, over TLS.
///
/// ```
/// # fn main() -> Result<(), auth::mail::SmtpError> {
/// use auth::mail::SmtpMailer;
///
/// let mailer = SmtpMailer::new("Example <accounts@example.com>", "smtps://user:password@smtp.example.com")?;
/// # Ok(())
/// # }
/// ```
///
/// Each mail is a connection of its own. It takes half a minute at the most ([`SmtpMailer::with_timeout`]), and whoever sends it
/// waits for that: a server nearby that queues mail is quicker than the recipient's.
#[derive(Clone)]
pub struct SmtpMailer {
    from: Mailbox,
    server: Server,
    timeout: Duration,
}

impl SmtpMailer {
    /// Sends mail from this address, with a name before it or without, through the server at this one:
    ///
    /// | address | how it is spoken to | port, if none is given |
    /// | --- | --- | --- |
    /// | `smtps://user:password@host` | TLS from the beginning (RFC 8314) | 465 |
    /// | `smtp://user:password@host` | STARTTLS, or not at all (RFC 3207) | 587 |
    /// | `smtp://localhost`, `smtp://127.0.0.1`, `smtp://[::1]` | without encryption | 25 |
    ///
    /// What has a meaning in addresses stands percent-encoded in user and password: `p%40ss`. A server is known by a certificate of
    /// the authorities that browsers trust.
    ///
    /// Nothing is sent by that: whether the server is there, and takes the password, shows with the first mail.
    ///
    /// # Errors
    /// [`SmtpError::From`] for an address that is none, [`SmtpError::Address`] for anything else than the above.
    pub fn new(from: &str, url: &str) -> Result<Self, SmtpError> {
        let from: Mailbox = from.parse().map_err(|_| SmtpError::From)?;
        if from.name.iter().flat_map(|name| name.chars()).any(char::is_control) {
            return Err(SmtpError::From);
        }
        let server = Server::new(url)?;
        server.transport()?;
        Ok(Self { from, server, timeout: Duration::from_secs(30) })
    }

    /// All that is done to send one mail may take that long: 30 seconds, if nothing is said. After that it is
    /// [`SmtpError::TimedOut`], and the mail may have been sent all the same.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Trusts the authorities in this PEM file only, for a server with a certificate of your own authority. The file is read now.
    ///
    /// # Errors
    /// [`SmtpError::Authorities`] when there are none in it.
    pub fn trusting(mut self, pem: impl AsRef<Path>) -> Result<Self, SmtpError> {
        self.server.trust(pem.as_ref())?;
        Ok(self)
    }

    /// Speaks `smtp://` with STARTTLS to a loopback address, too: for a server on this machine that wants it.
    #[must_use]
    pub fn with_start_tls(mut self) -> Self {
        self.server.start_tls();
        self
    }

    /// Speaks `smtp://` without encryption.
    ///
    /// # Security
    /// Whoever is on the way reads the password and every mail, and with them every code and every link.
    #[must_use]
    pub fn danger_plain_text(mut self) -> Self {
        self.server.plain_text();
        self
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        mail.check()?;
        // Nothing of this machine's name.
        let id = format!("<{}@{}>", Uuid::new_v4(), self.from.email.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.parse::<Address>()?))
            .subject(&mail.subject)
            .message_id(Some(id))
            // Who is away does not answer (RFC 3834 §5).
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        Ok(message.body(mail.text.clone())?)
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let message = self.message(mail)?;
            let transport = self.server.transport()?;
            let sent = tokio::time::timeout(self.timeout, transport.send(message)).await;
            sent.map_err(|_| SmtpError::TimedOut)?.map_err(SmtpError::of)?;
            Ok(())
        })
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}
