//! Whatever stands in a message, it is one message to one recipient.

use auth::mail::{InvalidMessage, Mail, TextMessage};
use proptest::prelude::*;

/// What ends a line, a header, a command or a recipient for somebody who reads it.
const HOSTILE: [&str; 18] = [
    "\r\n", "\n", "\r", "\0", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\u{202e}", "\x1b[2J", "\x7f", ",",
    ";", "<", ">", " ", "\"",
];

#[test]
fn addresses_are_one_plain_address() {
    for to in ["a@b", "ann@example.com", "ann.o'hara+x@example.com", "ørsted@exämple.com", "a@[1.2.3.4]"] {
        let expected = if to.contains('[') { Err(InvalidMessage::Address) } else { Ok(()) };
        assert_eq!(Mail::new(to, "a subject", "a text").check(), expected, "{to}");
    }
    let long = format!("{}@example.com", "a".repeat(65));
    for to in ["", "@", "ann", "ann@", "@example.com", "a@b@c", "Ann <ann@example.com>", "-ann@example.com", &long] {
        assert_eq!(Mail::new(to, "a subject", "a text").check(), Err(InvalidMessage::Address), "{to}");
    }
}

#[test]
fn subjects_are_one_line() {
    for subject in ["", "a\nb", "a\rb", "a\u{2028}b", &"a".repeat(201)] {
        assert_eq!(Mail::new("ann@example.com", subject, "").check(), Err(InvalidMessage::SubjectLine), "{subject:?}");
    }
    assert_eq!(Mail::new("ann@example.com", "ü".repeat(200), "").check(), Ok(()));
}

#[test]
fn texts_have_lines_and_tabs() {
    assert_eq!(Mail::new("ann@example.com", "a subject", "a\n\tb").check(), Ok(()));
    for text in ["a\0", "a\x1b[2J", "a\r\nb", "a\u{202e}b"] {
        assert_eq!(Mail::new("ann@example.com", "a subject", text).check(), Err(InvalidMessage::Text), "{text:?}");
        assert_eq!(TextMessage::new("+4915112345678", text).check(), Err(InvalidMessage::Text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn nothing_becomes_a_header_or_another_recipient(before in ".*", bad in prop::sample::select(&HOSTILE[..]), after in ".*") {
        let text = format!("{before}{bad}{after}");
        let to = format!("{text}@example.com");
        prop_assert_eq!(Mail::new(to, "a subject", "").check(), Err(InvalidMessage::Address));
        prop_assert_eq!(TextMessage::new(format!("+49151{text}"), "").check(), Err(InvalidMessage::Number));
        if bad.chars().any(|c| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)) {
            prop_assert_eq!(Mail::new("ann@example.com", text, "").check(), Err(InvalidMessage::SubjectLine));
        }
    }

    #[test]
    fn what_passes_has_no_ends_of_lines(to in r"(?s).{0,20}@.{0,20}", subject in "(?s).{0,20}") {
        if Mail::new(&to, &subject, "").check().is_ok() {
            prop_assert!(!to.chars().chain(subject.chars()).any(char::is_control));
            prop_assert_eq!(to.matches('@').count(), 1);
            prop_assert!(!to.contains([' ', ',', ';', '<', '>', '"', '\\', '(', ')']));
        }
    }
}
