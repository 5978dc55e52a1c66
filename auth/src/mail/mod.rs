//! Messages to people: by mail and as text messages.
//!
//! What sends them is a trait, [`Mailer`] or [`SmsSender`]. `SmtpMailer` (feature `mail-smtp`) is for production; the others are for
//! development and tests, and each is both: [`Outbox`] keeps what is sent, [`ConsoleMailer`] prints it, [`FileMailer`] writes
//! it to files. There are many services for text messages, and none here: implement [`SmsSender`] over yours.

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
