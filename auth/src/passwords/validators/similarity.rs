use std::collections::HashMap;

use super::PasswordValidator;
use crate::passwords::{PasswordContext, PasswordProblem};

/// Refuses passwords that resemble the user's own fields: name, address, and the parts of them.
///
/// As Django's: a password is too similar when it shares 70 % of its characters with a field or with a part of one,
/// in any order. Beyond that, it is when it holds such parts and less than eight characters are left without them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct UserAttributeSimilarityValidator;

impl PasswordValidator for UserAttributeSimilarityValidator {
    fn validate(&self, password: &str, context: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        let password = password.to_lowercase();
        let names: Vec<_> = context
            .fields()
            .filter(|(_, value)| is_similar(&password, std::iter::once(*value)))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() && !is_made_of(&password, context.fields().map(|(_, value)| value)) {
            return Ok(());
        }
        let fields = if names.is_empty() { "other personal information".to_owned() } else { names.join(" and the ") };
        Err(PasswordProblem::new("password_too_similar", format!("The password is too similar to the {fields}.")))
    }
}

/// Refuses passwords that are little more than a word of the application's own surroundings (ASVS 6.2.11).
#[derive(Clone, Debug)]
pub struct ContextWordValidator {
    words: Vec<String>,
}

impl ContextWordValidator {
    /// Refuses passwords like these words.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect() }
    }
}

impl PasswordValidator for ContextWordValidator {
    fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        if is_similar(&password.to_lowercase(), self.words.iter().map(String::as_str)) {
            let message = "This password is too similar to the name of this site.";
            return Err(PasswordProblem::new("password_too_similar_to_site", message));
        }
        Ok(())
    }
}

/// Fields may come from a request; more than this of one says nothing about a password.
const LONGEST_FIELD: usize = 1024;
/// Shorter parts stand in too many words.
const LEAST_PART: usize = 4;
/// What must be left when the parts are taken away.
const LEAST_REST: usize = 8;

fn is_similar<'a>(password: &str, values: impl Iterator<Item = &'a str> + Clone) -> bool {
    let resembles = values.clone().flat_map(parts).any(|part| has_common_characters(password, &part));
    resembles || is_made_of(password, values)
}

/// The field itself and its words, in small letters.
fn parts(value: &str) -> Vec<String> {
    let end = value.floor_char_boundary(LONGEST_FIELD);
    let value = value[..end].to_lowercase();
    let words = value.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned);
    let mut parts: Vec<_> = words.chain([value.clone()]).filter(|part| !part.is_empty()).collect();
    // The longest first, so that taking one away leaves no half of it.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    parts
}

/// Python's `SequenceMatcher.quick_ratio() >= 0.7`, in whole numbers.
fn has_common_characters(password: &str, part: &str) -> bool {
    let (long, short) = (password.chars().count(), part.chars().count());
    // Where one is much longer than the other they cannot be alike; so the work is bounded by the field's length.
    if 20 * long.min(short) < 7 * (long + short) {
        return false;
    }
    let mut counts: HashMap<char, usize> = HashMap::new();
    part.chars().for_each(|c| *counts.entry(c).or_default() += 1);
    let common = password
        .chars()
        .filter(|c| counts.get_mut(c).is_some_and(|left| std::mem::replace(left, left.saturating_sub(1)) > 0))
        .count();
    let together = password.chars().count() + part.chars().count();
    20 * common >= 7 * together && together > 0
}

fn is_made_of<'a>(password: &str, values: impl Iterator<Item = &'a str>) -> bool {
    let mut rest = password.to_owned();
    for part in values.flat_map(parts).filter(|part| part.chars().count() >= LEAST_PART) {
        rest = rest.replace(&part, "");
    }
    rest.len() < password.len() && rest.chars().count() < LEAST_REST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(password: &str) -> bool {
        let context = PasswordContext::new()
            .field("user name", "willfarrington")
            .field("first name", "Will")
            .field("last name", "Farrington")
            .field("e-mail address", "will.f@mail-example.org");
        UserAttributeSimilarityValidator.validate(password, &context).is_err()
    }

    /// The first three as in Django's vectors.
    #[test]
    fn the_users_own_fields_are_seen_in_a_password() {
        for password in [
            "WILLFARRINGTON1",
            "mail-example",
            "notgnirraf",
            "farringtonfarrington",
            "FarringtonWill2026!",
            "will.f@mail-example.org",
        ] {
            assert!(is_refused(password), "{password}");
        }
        for password in ["", "sevench", "password", "plum tractor evening", "where there is a will is a way"] {
            assert!(!is_refused(password), "{password}");
        }
        let message = UserAttributeSimilarityValidator
            .validate("WILLFARRINGTON1", &PasswordContext::new().field("user name", "willfarrington"))
            .expect_err("it is refused");
        assert_eq!(message.to_string(), "The password is too similar to the user name.");
    }

    #[test]
    fn strange_fields_do_no_harm() {
        for value in ["", " ", "@", "\u{fffd}", &"é".repeat(100_000)] {
            let context = PasswordContext::new().field("user name", value);
            let validate = |password| UserAttributeSimilarityValidator.validate(password, &context);
            assert_eq!(validate(""), Ok(()));
            assert_eq!(validate("plum tractor evening"), Ok(()));
        }
    }
}
