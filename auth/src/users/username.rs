//! Which names a new user may have. (RFC 8265 for one canonical form, UTS 39 for look-alikes.)

use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection as _};

use super::UserModel;
use crate::database::{ColumnError, Role};

/// Refuses a canonical name that is empty, not plain to read, or made to look like another.
///
/// Letters of one script are fine, with ASCII beside those scripts that are usually written so (UTS 39, "highly
/// restrictive"); Cyrillic letters between Latin ones are not.
pub(super) fn check<U: UserModel>(name: &str) -> Result<(), ColumnError> {
    let column = U::column_of(Role::Username).map_or(U::get_username_field(), |column| column.name);
    let wrong = |text: &'static str| Err(ColumnError::new(column, text));
    if name.is_empty() {
        return wrong("must not be empty");
    }
    if name.len() > 1024 {
        return wrong("is too long");
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong("must not have spaces or control characters in it");
    }
    // Punctuation is not for identifiers, but names have it: `me@example.com`, `o'brien`.
    let letters: String = name.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    if !letters.chars().all(GeneralSecurityProfile::identifier_allowed) {
        return wrong("has characters in it that are not for names");
    }
    if !letters.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return wrong("mixes letters of scripts that look alike");
    }
    let is_email = U::column_of(Role::Email).is_some_and(|column| column.is(Role::Username));
    if is_email && !is_address(name) {
        return wrong("is not a mail address");
    }
    // Whoever is called as somebody else's address would log in in their place.
    if !is_email && U::column_of(Role::Email).is_some() && name.contains('@') {
        return wrong("must not have an @ in it");
    }
    Ok(())
}

/// Whether mail could be sent there: a name, an @, a domain. Whether it arrives, only mail can tell.
pub(super) fn is_address(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && !part.contains(['@', '<', '>', '(', ')', ',', ';', ':', '\\', '"', '[', ']']);
    text.len() <= 254
        && text.split_once('@').is_some_and(|(name, domain)| {
            let labels = || domain.split('.');
            name.len() <= 64
                && plain(name)
                && plain(domain)
                && labels().all(|label| !label.is_empty() && label.len() <= 63)
        })
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::{BaseUser as _, DefaultUser};

    fn checked(name: &str) -> Result<(), String> {
        check::<DefaultUser>(&DefaultUser::normalize_username(name)).map_err(|error| error.to_string())
    }

    #[test]
    fn names_of_one_script_are_fine() {
        for name in ["alice", "Alice.B-c_1", "o'brien", "Jürgen", "иван", "田中太郎", "tanaka田中", "ﬁona"]
        {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn look_alikes_and_rubbish_are_refused() {
        let long = "a".repeat(1_000_000);
        for name in [
            "",
            " ",
            "a b",
            "a\u{0}b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "p\u{430}ypal",
            "\u{1F600}",
            "me@example.com",
            &long,
        ] {
            assert!(checked(name).is_err(), "{:?}", name.chars().take(20).collect::<String>());
        }
    }

    #[test]
    fn addresses_have_two_parts() {
        for good in ["a@b", "me@example.com", "a.b+c@d-e.org"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "@", "a@", "@b", "a@b@c", "a @b", "a@b..c", "<a@b>", "a@b\n", "a,b@c"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
