use std::fmt;
use std::sync::Arc;

use super::{Mail, TextMessage};
use crate::BoxFuture;

/// Why a message could not be sent.
pub type MailError = Box<dyn std::error::Error + Send + Sync>;

/// Sends mail.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sends no mail",
    note = "implement `auth::mail::Mailer` for `{Self}`"
)]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Sends it, or hands it to who will.
    ///
    /// # Security
    /// Ask [`Mail::check`] before anything else.
    ///
    /// # Errors
    /// When it cannot.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Sends text messages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sends no text messages",
    note = "implement `auth::mail::SmsSender` for `{Self}`"
)]
pub trait SmsSender: fmt::Debug + Send + Sync + 'static {
    /// Sends it, or hands it to who will.
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
