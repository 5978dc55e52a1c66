//! Opaque tokens, as whoever looks for them in source code sees them.

use auth::tokens::{OpaqueToken, TokenPrefix};
use proptest::prelude::*;
use proptest::string::string_regex;

fn prefix() -> TokenPrefix {
    TokenPrefix::new("blog").unwrap()
}

/// Whether a scanner finds that: the pattern's meaning, by hand.
fn is_found(text: &str) -> bool {
    text.strip_prefix("blog_").is_some_and(|rest| rest.len() == 71 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[test]
fn a_secret_scanner_finds_every_token() {
    assert_eq!(prefix().pattern(), r"\bblog_[0-9A-Za-z]{71}\b");
    for _ in 0..100 {
        assert!(is_found(OpaqueToken::generate(&prefix()).expose().expose()));
    }
}

proptest! {
    #[test]
    fn what_a_scanner_finds_is_mostly_no_token(text in string_regex("blog_[0-9A-Za-z]{71}").unwrap()) {
        prop_assert!(is_found(&text));
        prop_assert!(OpaqueToken::parse(&prefix(), &text).is_none());
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        prop_assert!(OpaqueToken::parse(&prefix(), &text).is_none());
        let behind_the_prefix = format!("blog_{text}");
        prop_assert!(OpaqueToken::parse(&prefix(), &behind_the_prefix).is_none());
        prop_assert!(TokenPrefix::new(&text).is_err() || text.len() <= 24);
    }

    #[test]
    fn a_change_of_any_character_is_noticed(place in 5_usize..76, other in "[0-9A-Za-z]") {
        let token = OpaqueToken::generate(&prefix()).expose();
        let mut text = token.expose().to_owned();
        text.replace_range(place..=place, &other);
        prop_assert_eq!(OpaqueToken::parse(&prefix(), &text).is_some(), text == token.expose());
    }
}
