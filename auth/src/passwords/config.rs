use std::sync::Arc;

use super::validators::{
    CharacterClass, CommonPasswordValidator, CompositionValidator, ContextWordValidator, PasswordValidator,
    RepetitionValidator, UserAttributeSimilarityValidator,
};
use super::{InvalidPassword, MAX_PASSWORD_BYTES, PasswordProblem};

/// What is known of the user whose new password is checked: the fields that it should not resemble.
///
/// ```
/// # use auth::passwords::PasswordContext;
/// let context = PasswordContext::new().field("user name", "ada").field("e-mail address", "ada@example.org");
/// ```
#[derive(Clone, Debug, Default)]
pub struct PasswordContext<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> PasswordContext<'a> {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field of the user: what it is called in a message to them, and what it holds.
    pub fn field(mut self, name: &'a str, value: &'a str) -> Self {
        self.fields.push((name, value));
        self
    }

    /// Names and values.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.iter().copied()
    }
}

/// Which new passwords are accepted.
///
/// By default: 15 characters at least, at most [`MAX_PASSWORD_BYTES`] bytes of UTF-8 (more than 1000 characters of
/// any script), not common, not repetitive, not like the user's own fields (NIST SP 800-63B-4 §3.1.1; ASVS 6.2.1,
/// 6.2.4, 6.2.9, 6.2.11). There are no rules on composition (ASVS 6.2.5) unless asked for. A character is a Unicode
/// code point. Passwords are taken as they are: not trimmed, not cut, not case-folded (ASVS 6.2.8).
///
/// ```
/// use auth::passwords::{PasswordConfig, PasswordContext};
///
/// let config = PasswordConfig::default().context_words(["Weathervane"]);
/// let context = PasswordContext::new().field("user name", "ada.lovelace");
/// let refused = config.validate("AdaLovelace1815", &context).unwrap_err();
/// assert!(refused.codes().eq(["password_too_similar"]));
/// config.validate("plum tractor evening", &context)?;
/// # Ok::<(), auth::passwords::InvalidPassword>(())
/// ```
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    minimum: usize,
    maximum: usize,
    validators: Vec<Arc<dyn PasswordValidator>>,
}

/// Why a length is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordConfigError {
    /// The least length is too little.
    #[error("passwords need at least {least} characters (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.1)")]
    MinimumTooShort {
        /// What could be asked for.
        least: usize,
    },
    /// The greatest length is too little, too much, or less than the least.
    #[error(
        "the greatest length of a password is from 64 to {MAX_PASSWORD_BYTES} characters, and not below the least \
         (ASVS 6.2.9)"
    )]
    Maximum,
}

impl PasswordConfig {
    /// The least length that can be asked for, and the default, in characters.
    pub const MIN_LENGTH: usize = 15;
    /// The same where every login also takes a second factor.
    pub const MIN_LENGTH_WITH_SECOND_FACTOR: usize = 8;

    /// At least so many characters.
    ///
    /// # Errors
    /// [`PasswordConfigError::MinimumTooShort`] below 15, [`PasswordConfigError::Maximum`] above the greatest length.
    pub fn minimum_length(self, characters: usize) -> Result<Self, PasswordConfigError> {
        self.at_least(characters, Self::MIN_LENGTH)
    }

    /// At least so many characters, which may be as few as 8 because no login succeeds without a second factor.
    ///
    /// # Security
    /// The caller sees to that. Without it, eight characters are too few (NIST SP 800-63B-4 §3.1.1.2).
    ///
    /// # Errors
    /// [`PasswordConfigError::MinimumTooShort`] below 8, [`PasswordConfigError::Maximum`] above the greatest length.
    pub fn minimum_length_with_enforced_second_factor(self, characters: usize) -> Result<Self, PasswordConfigError> {
        self.at_least(characters, Self::MIN_LENGTH_WITH_SECOND_FACTOR)
    }

    /// At most so many characters.
    ///
    /// # Errors
    /// [`PasswordConfigError::Maximum`] below 64, above [`MAX_PASSWORD_BYTES`], or below the least length.
    pub fn maximum_length(mut self, characters: usize) -> Result<Self, PasswordConfigError> {
        if !(self.minimum.max(64)..=MAX_PASSWORD_BYTES).contains(&characters) {
            return Err(PasswordConfigError::Maximum);
        }
        self.maximum = characters;
        Ok(self)
    }

    /// Asks for at least one character of that class. Advised against (ASVS 6.2.5), for where a rule demands it.
    pub fn require(self, class: CharacterClass) -> Self {
        self.validator(CompositionValidator::new(class))
    }

    /// Refuses passwords that are little more than one of these words: the names of the application and of who runs
    /// it (ASVS 6.2.11).
    pub fn context_words(self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.validator(ContextWordValidator::new(words))
    }

    /// Also asks this one.
    pub fn validator(mut self, validator: impl PasswordValidator) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// The least length, in characters.
    pub fn min_length(&self) -> usize {
        self.minimum
    }

    /// Whether passwords may be so short that every login must take a second factor.
    pub fn needs_second_factor(&self) -> bool {
        self.minimum < Self::MIN_LENGTH
    }

    /// Looks for every problem of a new password. Not for logging in: old passwords may be of older rules.
    ///
    /// # Errors
    /// [`InvalidPassword`] with all problems, or with the one that it is too long: then nothing else is looked at.
    pub fn validate(&self, password: &str, context: &PasswordContext<'_>) -> Result<(), InvalidPassword> {
        if let Some(problem) = self.too_long(password) {
            return Err(InvalidPassword { problems: vec![problem] });
        }
        let problems: Vec<_> = self
            .too_short(password)
            .into_iter()
            .chain(self.validators.iter().filter_map(|v| v.validate(password, context).err()))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(InvalidPassword { problems }) }
    }

    fn at_least(mut self, characters: usize, least: usize) -> Result<Self, PasswordConfigError> {
        if characters < least {
            return Err(PasswordConfigError::MinimumTooShort { least });
        }
        if characters > self.maximum {
            return Err(PasswordConfigError::Maximum);
        }
        self.minimum = characters;
        Ok(self)
    }

    pub(super) fn too_long(&self, password: &str) -> Option<PasswordProblem> {
        // Bytes first: counting characters is work too.
        let too_long = password.len() > MAX_PASSWORD_BYTES || password.chars().count() > self.maximum;
        too_long.then(|| {
            let message = format!("This password is too long. It may contain at most {} characters.", self.maximum);
            PasswordProblem::new("password_too_long", message)
        })
    }

    fn too_short(&self, password: &str) -> Option<PasswordProblem> {
        (password.chars().count() < self.minimum).then(|| {
            let message = format!("This password is too short. It must contain at least {} characters.", self.minimum);
            PasswordProblem::new("password_too_short", message)
        })
    }
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self { minimum: Self::MIN_LENGTH, maximum: MAX_PASSWORD_BYTES, validators: Vec::new() }
            .validator(CommonPasswordValidator)
            .validator(RepetitionValidator)
            .validator(UserAttributeSimilarityValidator::default())
    }
}
