use super::PasswordValidator;
use crate::passwords::{PasswordContext, PasswordProblem};

/// Refuses passwords that only fill the length: few characters over and over (`abcabcabcabcabc`), and characters in
/// their order (`abcdefghijklmnop`).
#[derive(Clone, Copy, Debug, Default)]
pub struct RepetitionValidator;

/// What is repeated must be as long as the shortest password that is ever allowed.
const LEAST_UNIT: usize = 8;

impl PasswordValidator for RepetitionValidator {
    fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        let (length, unit) = (password.chars().count(), unit(password).count());
        // Once and a bit is no repetition: many a text begins and ends with the same letter.
        let repeated = unit < LEAST_UNIT && 2 * unit <= length;
        if length > LEAST_UNIT && (repeated || is_sequence(password)) {
            let message = "This password repeats a few characters or lists them in their order.";
            return Err(PasswordProblem::new("password_too_repetitive", message));
        }
        Ok(())
    }
}

/// What the text consists of when it is repeated, the last time perhaps in part: `abc` for `abcabca`.
///
/// In time linear in the length (the failure function of Knuth, Morris and Pratt).
pub(super) fn unit(text: &str) -> impl Iterator<Item = char> {
    let characters: Vec<char> = text.chars().collect();
    let mut borders = vec![0; characters.len()];
    for at in 1..characters.len() {
        let mut border: usize = borders[at - 1];
        while border > 0 && characters[at] != characters[border] {
            border = borders[border - 1];
        }
        borders[at] = border + usize::from(characters[at] == characters[border]);
    }
    let period = characters.len() - borders.last().copied().unwrap_or(0);
    characters.into_iter().take(period)
}

/// After nine comes zero.
fn is_sequence(text: &str) -> bool {
    let step = |(one, next): (char, char)| match (one.to_digit(10), next.to_digit(10)) {
        (Some(one), Some(next)) if (one + 1) % 10 == next => 1,
        (Some(one), Some(next)) if (next + 1) % 10 == one => -1,
        _ => i64::from(u32::from(next)) - i64::from(u32::from(one)),
    };
    let steps = || text.chars().zip(text.chars().skip(1)).map(step);
    [1, -1].into_iter().any(|wanted| steps().all(|found| found == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repeated_unit_is_found() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("aaaa", "a"),
            ("abcabca", "abc"),
            ("abcab", "abc"),
            ("abcde", "abcde"),
            ("zoëzoë", "zoë"),
        ] {
            assert!(unit(text).eq(expected.chars()), "{text}");
        }
    }

    #[test]
    fn filling_the_length_is_seen() {
        let validate = |password| RepetitionValidator.validate(password, &PasswordContext::new());
        for password in [
            "aaaaaaaaaaaaaaa",
            "willwillwillwillwill",
            "zoëzoëzoëzoëzoëz",
            "abcdefghijklmnop",
            "ponmlkjihgfedcba",
            "678901234567890",
        ] {
            assert_eq!(validate(password).expect_err("it is refused").code, "password_too_repetitive", "{password}");
        }
        for password in ["", "plum tractor evening", "quinquennial quinces", "purple hat purple hat"] {
            assert_eq!(validate(password), Ok(()), "{password}");
        }
    }
}
