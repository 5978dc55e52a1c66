use std::fmt;
use std::sync::Arc;

use super::{Mail, TextMessage};
use crate::BoxFuture;

/// Why a message could not be sent.
pub type MailError = Box<dyn std::error::Error + Send + Sync>;

/// Sends mail: by SMTP (`SmtpMailer`), or by a service that you use.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sends no mail",
    note = "implement `auth::mail::Mailer` for `{Self}`"
)]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Sends it, or hands it to who will. A request may wait for it: end it after a while, as `SmtpMailer` does after 30 seconds.
    ///
    /// # Security
    /// Ask [`Mail::check`] before anything else. Log neither the text nor the address: there are codes in mails.
    ///
    /// # Errors
    /// When it cannot.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Sends text messages, by the service that you use; [`mail`](super) has one to begin with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sends no text messages",
    note = "implement `auth::mail::SmsSender` for `{Self}`"
)]
pub trait SmsSender: fmt::Debug + Send + Sync + 'static {
    /// Sends it, or hands it to who will. A request may wait for it: end it after a while.
    ///
    /// # Security
    /// Ask [`TextMessage::check`] before anything else. A message costs money and reaches who never asked for it: the
    /// service's own limits on countries and amounts belong on.
    ///
    /// # Errors
    /// When it cannot.
    fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>>;
}

impl<M: Mailer + ?Sized> Mailer for Arc<M> {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        (**self).send(mail)
    }
}

impl<S: SmsSender + ?Sized> SmsSender for Arc<S> {
    fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>> {
        (**self).send(message)
    }
}
