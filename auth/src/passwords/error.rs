use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Why a password could not be hashed or checked. A wrong password is not an error but an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many passwords wait to be hashed; try again later (HTTP 503).
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// Longer than any hasher is given: refused before any work.
    #[error("the password is longer than {max} bytes")]
    TooLong {
        /// The most bytes.
        max: usize,
    },
    /// Whether the new password was stolen elsewhere cannot be told, so it is not accepted (HTTP 503).
    #[error("the list of breached passwords cannot be asked")]
    BreachList(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The hasher failed.
    #[error("the password could not be hashed")]
    Hasher(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One reason why a new password is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PasswordProblem {
    /// For programs: `password_too_short`, as in Django.
    pub code: &'static str,
    /// For the user: a whole sentence, which does not repeat the password.
    pub message: Cow<'static, str>,
}

impl PasswordProblem {
    /// A code for programs and a sentence for the user.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for PasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A new password that is not accepted, with all the reasons at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[non_exhaustive]
pub struct InvalidPassword {
    /// At least one.
    pub problems: Vec<PasswordProblem>,
}

impl InvalidPassword {
    /// The codes of all problems.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.problems.iter().map(|problem| problem.code)
    }
}

impl fmt::Display for InvalidPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
