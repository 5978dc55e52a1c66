//! One file for each rule on new passwords. Another one is another implementation of [`PasswordValidator`].

mod common;
mod composition;
mod repetition;
mod similarity;
#[cfg(feature = "password-strength")]
mod strength;

use std::fmt;

use super::{PasswordContext, PasswordProblem};

pub use common::CommonPasswordValidator;
pub use composition::{CharacterClass, CompositionValidator};
pub use repetition::RepetitionValidator;
pub use similarity::{ContextWordValidator, UserAttributeSimilarityValidator};
#[cfg(feature = "password-strength")]
pub use strength::{PasswordStrength, PasswordStrengthValidator};

/// A rule on new passwords. Give it to [`PasswordConfig::validator`](super::PasswordConfig::validator).
///
/// ```
/// use auth::passwords::{PasswordContext, PasswordProblem, PasswordValidator};
///
/// /// The old system's keyboards had no umlauts.
/// #[derive(Debug)]
/// struct Ascii;
///
/// impl PasswordValidator for Ascii {
///     fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
///         if password.is_ascii() {
///             return Ok(());
///         }
///         Err(PasswordProblem::new("password_not_ascii", "This password must be typed without accents."))
///     }
/// }
/// ```
///
/// # Security
/// A problem's message is shown and may be logged: it must not repeat the password.
pub trait PasswordValidator: fmt::Debug + Send + Sync + 'static {
    /// Says what is wrong with the password. It is never longer than [`MAX_PASSWORD_BYTES`](super::MAX_PASSWORD_BYTES).
    ///
    /// # Errors
    /// The problem.
    fn validate(&self, password: &str, context: &PasswordContext<'_>) -> Result<(), PasswordProblem>;
}
