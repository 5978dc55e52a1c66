use zxcvbn::{Score, zxcvbn};

use super::PasswordValidator;
use crate::passwords::{PasswordContext, PasswordProblem};

/// How hard a password is to guess, by zxcvbn's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PasswordStrength {
    /// Fewer than 10⁶ guesses.
    VeryGuessable,
    /// Fewer than 10⁸ guesses.
    SomewhatGuessable,
    /// Fewer than 10¹⁰ guesses.
    SafelyUnguessable,
    /// 10¹⁰ guesses and more.
    VeryUnguessable,
}

/// Refuses passwords that could be guessed too soon: it looks for words, names, dates and keyboard patterns, in the
/// user's own fields too (the library zxcvbn).
#[derive(Clone, Copy, Debug)]
pub struct PasswordStrengthValidator {
    minimum: Score,
}

/// What comes after is not estimated: the work grows with the square of the length, and this much is enough.
const MOST_CHARACTERS: usize = 64;
/// The same for each of the user's fields.
const MOST_OF_A_FIELD: usize = 128;

impl PasswordStrengthValidator {
    /// Refuses what is weaker than this.
    pub fn new(minimum: PasswordStrength) -> Self {
        let minimum = match minimum {
            PasswordStrength::VeryGuessable => Score::One,
            PasswordStrength::SomewhatGuessable => Score::Two,
            PasswordStrength::SafelyUnguessable => Score::Three,
            PasswordStrength::VeryUnguessable => Score::Four,
        };
        Self { minimum }
    }
}

impl PasswordValidator for PasswordStrengthValidator {
    fn validate(&self, password: &str, context: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        let end = password.char_indices().nth(MOST_CHARACTERS).map_or(password.len(), |(at, _)| at);
        let fields: Vec<_> =
            context.fields().map(|(_, value)| &value[..value.floor_char_boundary(MOST_OF_A_FIELD)]).collect();
        if zxcvbn(&password[..end], &fields).score() >= self.minimum {
            return Ok(());
        }
        Err(PasswordProblem::new("password_too_weak", "This password is too easy to guess."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_soon_guessed_is_refused() {
        let validator = PasswordStrengthValidator::new(PasswordStrength::SafelyUnguessable);
        let context = PasswordContext::new().field("user name", "weathervane");
        for password in ["", "qwertyuiop", "weathervane1"] {
            let problem = validator.validate(password, &context).expect_err("it is refused");
            assert_eq!(problem.code, "password_too_weak", "{password}");
        }
        assert_eq!(validator.validate("plum tractor evening", &context), Ok(()));
        assert_eq!(validator.validate(&"é plum tractor".repeat(290), &context), Ok(()));
    }
}
