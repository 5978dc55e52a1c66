use std::cmp::Ordering;

use super::PasswordValidator;
use super::repetition::unit;
use crate::passwords::{PasswordContext, PasswordProblem};

/// Refuses passwords that many people have: those that attackers try first (ASVS 6.2.4; NIST SP 800-63B-4 §3.1.1.2).
///
/// Small and capital letters count as the same. A common password also is one with digits and signs around it
/// (`password1234567`), one that is repeated, and two in a row, because the least length alone would make people
/// write just these.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommonPasswordValidator;

/// Django's list, made by Royce Williams
/// (<https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce>): those of eight characters and more,
/// in small letters, sorted by bytes. What was no password but a broken encoding is left out.
const LIST: &str = include_str!("common_passwords.txt");

/// Above this nothing in the list, and no two of them in a row, can match.
const MOST: usize = 128;

impl PasswordValidator for CommonPasswordValidator {
    fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
        if is_common(&password.to_lowercase()) {
            return Err(PasswordProblem::new("password_too_common", "This password is too common."));
        }
        Ok(())
    }
}

fn is_common(password: &str) -> bool {
    let core = password.trim_matches(|character: char| !character.is_alphabetic());
    let twice = |text: &str| {
        text.len() <= MOST && text.char_indices().any(|(at, _)| is_listed(&text[..at]) && is_listed(&text[at..]))
    };
    [password, core].into_iter().any(|text| {
        let unit: String = unit(text).collect();
        is_listed(text) || is_listed(&unit) || twice(text)
    })
}

/// A binary search in the text itself: an index would take more memory than the list.
fn is_listed(word: &str) -> bool {
    let (list, word) = (LIST.as_bytes(), word.as_bytes());
    if word.is_empty() || word.len() > MOST {
        return false;
    }
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[low..middle].iter().rposition(|b| *b == b'\n').map_or(low, |at| low + at + 1);
        let end = list[middle..].iter().position(|b| *b == b'\n').map_or(list.len(), |at| middle + at);
        match list[start..end].cmp(word) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_word_is_found() {
        let words: Vec<_> = LIST.lines().collect();
        assert!(words.len() > 8000);
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]));
        for word in words {
            assert!(is_listed(word), "{word}");
            assert!(!is_listed(&format!("{word}\u{1}")) && !is_listed(&word[..1]), "{word}");
        }
    }

    #[test]
    fn variations_of_common_passwords_are_common() {
        for password in [
            "iloveyou",
            "ILoveYou",
            "1q2w3e4r5t6y7u8i",
            "password1234567",
            "!!!Iloveyou2026!!!",
            "passwordpassword",
            "PasswordPasswordPassword",
            "passwordiloveyou",
            "sunshinefootball99",
        ] {
            assert!(is_common(&password.to_lowercase()), "{password}");
        }
        for password in ["", "plum tractor evening", "farrington!", "correct horse battery staple", "пароль и ключ"]
        {
            assert!(!is_common(password), "{password}");
        }
    }
}
