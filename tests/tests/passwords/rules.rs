//! The rules on new passwords.

use auth::passwords::{CharacterClass, PasswordConfig, PasswordContext, PasswordProblem, PasswordValidator};

/// Codes for a password of somebody called Will Farrington.
fn codes(config: &PasswordConfig, password: &str) -> Vec<&'static str> {
    let context = PasswordContext::new()
        .field("user name", "willfarrington")
        .field("first name", "Will")
        .field("last name", "Farrington")
        .field("e-mail address", "will.f@mail-example.org");
    config.validate(password, &context).err().map(|e| e.codes().collect()).unwrap_or_default()
}

#[test]
fn a_new_password_is_told_all_that_is_wrong_with_it() {
    let config = PasswordConfig::default();
    let cases: [(&str, &[&str]); 9] = [
        ("", &["password_too_short"]),
        ("iloveyou", &["password_too_short", "password_too_common"]),
        ("willfarrington", &["password_too_short", "password_too_similar"]),
        ("WILLFARRINGTON1", &["password_too_similar"]),
        ("willwillwillwillwill", &["password_too_repetitive", "password_too_similar"]),
        ("1234567890123456", &["password_too_common", "password_too_repetitive"]),
        ("correct horse", &["password_too_short"]),
        ("correct horse battery staple", &[]),
        ("ключ от старого дома", &[]),
    ];
    for (password, expected) in cases {
        assert_eq!(codes(&config, password), expected, "{password}");
    }
}

#[test]
fn length_is_in_characters_and_bounded_before_anything_else() {
    let config = PasswordConfig::default();
    assert_eq!(codes(&config, "пароль и ключ!"), ["password_too_short"]); // 14 characters, 26 bytes
    assert_eq!(codes(&config, "пароль и ключ!?"), [""; 0]);
    assert_eq!(codes(&config, &"correct horse battery staple 🗝".repeat(30)), [""; 0]);
    assert_eq!(codes(&config, &"a".repeat(1 << 20)), ["password_too_long"]);
    let config = config.maximum_length(64).unwrap();
    let long = "correct horse battery staple, plum tractor evening, quiet lantern";
    assert_eq!(long.chars().count(), 65);
    assert_eq!(codes(&config, long), ["password_too_long"]);
    assert_eq!(codes(&config, &long[1..]), [""; 0]);
}

#[test]
fn short_passwords_need_a_second_factor_by_name() {
    let config = PasswordConfig::default;
    assert!(config().minimum_length(14).is_err());
    assert!(config().maximum_length(63).is_err());
    assert!(config().minimum_length(65).unwrap().maximum_length(64).is_err());
    assert!(config().minimum_length_with_enforced_second_factor(7).is_err());
    let config = config().minimum_length_with_enforced_second_factor(8).unwrap();
    assert!(config.needs_second_factor() && !PasswordConfig::default().needs_second_factor());
    assert_eq!(codes(&config, "plum tra"), [""; 0]);
}

#[test]
fn rules_can_be_added() {
    #[derive(Debug)]
    struct NoSpaces;
    impl PasswordValidator for NoSpaces {
        fn validate(&self, password: &str, _: &PasswordContext<'_>) -> Result<(), PasswordProblem> {
            if !password.contains(' ') {
                return Ok(());
            }
            Err(PasswordProblem::new("password_has_spaces", "This password must not contain spaces."))
        }
    }
    let config = PasswordConfig::default()
        .require(CharacterClass::Upper)
        .require(CharacterClass::Lower)
        .require(CharacterClass::Digit)
        .require(CharacterClass::Special)
        .context_words(["Weathervane"])
        .validator(NoSpaces);
    let found = codes(&config, "plum tractor evening");
    assert_eq!(found, ["password_no_upper", "password_no_digit", "password_has_spaces"]);
    assert_eq!(codes(&config, "Weathervane2026!"), ["password_too_similar_to_site"]);
    assert_eq!(codes(&config, "Plum-tractor-8-evening"), [""; 0]);
    let refused = config.validate("PLUM TRACTOR EVENING 8", &PasswordContext::new()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "This password must contain at least one small letter. This password must not contain spaces."
    );
}
