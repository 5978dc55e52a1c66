use std::future::ready;
use std::io::{self, Write as _};

use super::{Mail, MailError, Mailer, SmsSender, TextMessage};
use crate::BoxFuture;

/// Prints messages on standard output instead of sending them. For development: codes stand there for whoever reads it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct ConsoleMailer;

impl Mailer for ConsoleMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        let Mail { to, subject, text } = mail;
        let printed = mail
            .check()
            .map_err(MailError::from)
            .and_then(|()| print(&format!("To: {to}\nSubject: {subject}\n\n{text}")));
        Box::pin(ready(printed))
    }
}

impl SmsSender for ConsoleMailer {
    fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>> {
        let TextMessage { to, text } = message;
        let printed = message.check().map_err(MailError::from).and_then(|()| print(&format!("To: {to}\n\n{text}")));
        Box::pin(ready(printed))
    }
}

/// In one piece, between lines that tell messages apart.
fn print(message: &str) -> Result<(), MailError> {
    const LINE: &str = "------------------------------------------------------------------------";
    Ok(writeln!(io::stdout().lock(), "{LINE}\n{message}\n{LINE}")?)
}
