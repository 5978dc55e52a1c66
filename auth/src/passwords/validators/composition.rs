use super::PasswordValidator;
use crate::passwords::{PasswordContext, PasswordProblem};

/// A class of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CharacterClass {
    /// A capital letter of any script.
    Upper,
    /// A small letter of any script.
    Lower,
    /// A digit of any script.
    Digit,
    /// Neither letter nor digit; a space counts.
    Special,
}

/// Asks for at least one character of a class.
///
/// Not among the defaults: such rules make passwords more alike (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.5). For where
/// a contract or an older rule demands it.
#[derive(Clone, Copy, Debug)]
pub struct CompositionValidator {
    class: CharacterClass,
}

impl CompositionValidator {
    /// Asks for this class.
    pub fn new(class: CharacterClass) -> Self {
        Self { class }
    }
}

impl PasswordValidator for CompositionValidator {
    fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        type Test = fn(char) -> bool;
        let (is_member, code, message): (Test, _, _) = match self.class {
            CharacterClass::Upper => {
                (char::is_uppercase, "password_no_upper", "This password must contain at least one capital letter.")
            }
            CharacterClass::Lower => {
                (char::is_lowercase, "password_no_lower", "This password must contain at least one small letter.")
            }
            CharacterClass::Digit => {
                (char::is_numeric, "password_no_digit", "This password must contain at least one digit.")
            }
            CharacterClass::Special => (
                |character| !character.is_alphanumeric(),
                "password_no_special",
                "This password must contain at least one character that is neither letter nor digit.",
            ),
        };
        if password.chars().any(is_member) { Ok(()) } else { Err(PasswordProblem::new(code, message)) }
    }
}
