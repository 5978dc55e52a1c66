use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Mail, MailError, Mailer, SmsSender, TextMessage};
use crate::BoxFuture;

/// Keeps what is sent, for tests to read. Clones are the same outbox.
#[derive(Clone, Default)]
pub struct Outbox {
    sent: Arc<Mutex<Sent>>,
}

#[derive(Default)]
struct Sent {
    mail: Vec<Mail>,
    messages: Vec<TextMessage>,
}

impl Outbox {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes out all mail.
    pub fn take_mail(&self) -> Vec<Mail> {
        std::mem::take(&mut self.sent().mail)
    }

    /// Takes out all text messages.
    pub fn take_messages(&self) -> Vec<TextMessage> {
        std::mem::take(&mut self.sent().messages)
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for Outbox {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        let sent = mail.check().map(|()| self.sent().mail.push(mail.clone()));
        Box::pin(std::future::ready(sent.map_err(MailError::from)))
    }
}

impl SmsSender for Outbox {
    fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>> {
        let sent = message.check().map(|()| self.sent().messages.push(message.clone()));
        Box::pin(std::future::ready(sent.map_err(MailError::from)))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}
