//! Messages to people: mail and text messages.
//!
//! `Auth::builder().mailer(…)` has users told by mail when their password, their second factors or their accounts at other providers
//! change. With the feature `mfa-codes`, `mail_codes()` and `sms_codes(…)` make codes by mail and by text message a second factor. The
//! application can send what it likes by the same pieces.
//!
//! | to … | use |
//! | --- | --- |
//! | send mail through your mail server, over TLS | `SmtpMailer` (feature `mail-smtp`) |
//! | see messages while developing | [`ConsoleMailer`] prints them, [`FileMailer`] writes them to files |
//! | read them in tests | [`Outbox`] |
//! | send mail by a service's own interface | your own [`Mailer`] |
//! | send text messages | your own [`SmsSender`]: there are many services, and none here |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! use auth::BoxFuture;
//! use auth::mail::{Mail, MailError, Mailer, Outbox, SmsSender, TextMessage};
//! use auth::prelude::*;
//! use auth::users::{DefaultUser, Extra};
//!
//! // In tests. In production `SmtpMailer::new("Example <accounts@example.com>", "smtps://user:password@smtp.example.com")?`.
//! let outbox = Outbox::new();
//! let auth = Auth::<DefaultUser>::builder().mailer(outbox.clone()).build().await?;
//! let extra = Extra::from_iter([("email".to_owned(), "ada@example.com".into())]);
//! let ada = auth.users().create_user("ada", Some("a horse, a battery, a staple"), extra).await?;
//! auth.users().set_password(&ada.id, "a cow, a cable, a paper clip").await?;
//! let sent = outbox.take_mail();
//! assert_eq!((sent.len(), &*sent[0].to), (1, "ada@example.com")); // her password was changed
//!
//! // A message of the application's own.
//! Mailer::send(&outbox, &Mail::new("ada@example.com", "Your order", "It is on its way.")).await?;
//!
//! // Text messages, by the service that you use.
//! #[derive(Debug)]
//! struct Gateway;
//!
//! impl SmsSender for Gateway {
//!     fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>> {
//!         Box::pin(async move {
//!             message.check()?; // first of all
//!             // … `message.to` and `message.text`, over HTTPS, with a timeout
//!             Ok(())
//!         })
//!     }
//! }
//!
//! SmsSender::send(&Gateway, &TextMessage::new("+4912345678", "It is on its way.")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds by default
//!
//! Nothing is sent before the application sets a mailer. Mail is plain text, to one address of at most 254 bytes, with a subject of one
//! line of 1 to 200 characters; a text message goes to a number as E.164 has it. By SMTP one mail may take 30 seconds, TLS is demanded
//! but for loopback addresses, and nothing is tried twice.
//!
//! # Errors
//!
//! [`InvalidMessage`] for what cannot be sent at all, and whatever the server or the service says. What fails of a notice is reported
//! to the log, and undoes nothing; where a code cannot be sent, whoever asked for it is told to try later (HTTP 503).
//!
//! # Security
//!
//! - Addresses and subjects are checked before anything is sent, so that nothing in them becomes another recipient, a header or a
//!   command (OWASP ASVS 1.3.11). Every [`Mailer`] and [`SmsSender`] of your own asks [`Mail::check`] or [`TextMessage::check`] first.
//! - `Debug` shows neither recipients nor texts: there are codes in them.
//! - [`ConsoleMailer`] and [`FileMailer`] show codes to whoever sees the console or the files: they are not for production.

mod console;
mod file;
mod message;
mod outbox;
mod sender;
#[cfg(feature = "mail-smtp")]
mod smtp;

pub use console::ConsoleMailer;
pub use file::FileMailer;
pub use message::{InvalidMessage, Mail, TextMessage};
#[cfg(feature = "mfa-codes")]
pub(crate) use message::{is_address, is_number};
pub use outbox::Outbox;
pub use sender::{MailError, Mailer, SmsSender};
#[cfg(feature = "mail-smtp")]
pub use smtp::{SmtpError, SmtpMailer};
