use std::fmt;

/// A mail of plain text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// A text message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextMessage {
    /// The number it goes to, as E.164 has it: `+4912345678`.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// Why a message is not sent, whoever sends it. It says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// It goes to what is no mail address.
    #[error("a message goes to one mail address, without a name beside it")]
    Address,
    /// It goes to what is no phone number.
    #[error("a text message goes to a number as in E.164: a plus sign and 7 to 15 digits")]
    Number,
    /// Its subject is empty, too long, or more than a line.
    #[error("a subject is one line of 1 to 200 characters")]
    SubjectLine,
    /// There is a control character in its text.
    #[error("a text has no control characters but ends of lines and tabs")]
    Text,
}

impl Mail {
    /// A mail to that address.
    pub fn new(to: impl Into<String>, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to: to.into(), subject: subject.into(), text: text.into() }
    }

    /// Whether it can be sent. Every [`Mailer`](super::Mailer) asks this first, so that nothing in an address or a subject
    /// becomes a header, another recipient or a command.
    ///
    /// # Errors
    /// [`InvalidMessage`]
    pub fn check(&self) -> Result<(), InvalidMessage> {
        let is_line = |text: &str| !text.chars().any(is_control) && (1..=200).contains(&text.chars().count());
        if !is_address(&self.to) {
            return Err(InvalidMessage::Address);
        }
        if !is_line(&self.subject) {
            return Err(InvalidMessage::SubjectLine);
        }
        check_text(&self.text)
    }
}

impl TextMessage {
    /// A message to that number.
    pub fn new(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to: to.into(), text: text.into() }
    }

    /// Whether it can be sent. Every [`SmsSender`](super::SmsSender) asks this first.
    ///
    /// # Errors
    /// [`InvalidMessage`]
    pub fn check(&self) -> Result<(), InvalidMessage> {
        if is_number(&self.to) { check_text(&self.text) } else { Err(InvalidMessage::Number) }
    }
}

/// One address as mail is sent to it: neither quoted nor with comments, which are the places where parsers differ.
pub(crate) fn is_address(address: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.');
    let plain = |c: char| !is_control(c) && !c.is_whitespace() && !r#"()<>[]:;,\"@"#.contains(c);
    address.len() <= 254
        && address.split_once('@').is_some_and(|(name, host)| {
            fits(name) && fits(host) && name.len() <= 64 && (name.chars().chain(host.chars())).all(plain)
        })
}

/// A number as E.164 has it: a plus sign and 7 to 15 digits, of which the first is not 0.
pub(crate) fn is_number(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn check_text(text: &str) -> Result<(), InvalidMessage> {
    let is_clean = !text.chars().any(|c| is_control(c) && !matches!(c, '\n' | '\t'));
    if is_clean { Ok(()) } else { Err(InvalidMessage::Text) }
}

/// Also what ends a line for some readers of mail, and what turns the direction of a text.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Neither the address nor what it says.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

/// Neither the number nor what it says.
impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextMessage").finish_non_exhaustive()
    }
}
