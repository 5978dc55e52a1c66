//! Which hasher checks a hash, and what a wrong password costs: with hashers that count instead of working.

use auth::passwords::{Argon2Hasher, HashingService, PasswordHash, PasswordHashers, Verification};

use super::Spy;

#[test]
fn whatever_is_stored_a_wrong_password_is_worked_on() {
    let (spy, foreign) = (Spy::default(), Spy::default());
    let hashers = PasswordHashers::new(spy.clone()).with("foreign", foreign.clone());
    for stored in ["spy$2$right", "", "!random", "unheard_of$1$right", "wrong"] {
        let found = hashers.verify("wrong", &PasswordHash::new(stored)).unwrap();
        assert_eq!((found, spy.work()), (Verification::Wrong, (1, 0)), "{stored}");
    }
    let found = hashers.verify("wrong", &PasswordHash::new("spy$1$right")).unwrap();
    assert_eq!((found, spy.work()), (Verification::Wrong, (1, 1)));
    let found = hashers.verify("wrong", &PasswordHash::new("foreign$1$right")).unwrap();
    assert_eq!((found, spy.work(), foreign.work()), (Verification::Wrong, (0, 1), (1, 0)));
    assert_eq!(hashers.verify_nobody("wrong").unwrap(), Verification::Wrong);
    assert_eq!(spy.work(), (1, 0));
}

#[test]
fn a_right_password_says_whether_to_hash_it_again() {
    let hashers = PasswordHashers::new(Spy::default()).with("foreign", Spy::default());
    let verify = |stored: &str| hashers.verify("right", &PasswordHash::new(stored)).unwrap();
    assert_eq!(verify("spy$2$right"), Verification::Correct);
    assert_eq!(verify("spy$1$right"), Verification::CorrectButRehash);
    assert_eq!(verify("foreign$2$right"), Verification::CorrectButRehash);
    assert_eq!(verify("unheard_of$2$right"), Verification::Wrong);
    assert!(verify("spy$1$right").is_correct() && !verify("spy$1$other").is_correct());
}

#[test]
fn registered_hashers_check_what_the_preferred_one_does_not_know() {
    let hashers = PasswordHashers::new(Spy::default());
    // Django's `argon2id-spaces` and the reference implementation's `test.c`.
    let django =
        "argon2$argon2id$v=19$m=64,t=1,p=1$bzhPMEFvOVhpb2QwUXdCM3E4NFB2aQ$ezLdYiN57/Tfzb6HFuo3LA16mXaU56+V4yboi1eeZCo";
    let reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for (password, stored) in [(" trailing and leading ", django), ("password", reference)] {
        let found = hashers.verify(password, &PasswordHash::new(stored)).unwrap();
        assert_eq!(found, Verification::CorrectButRehash, "{stored}");
        let found = hashers.verify("other", &PasswordHash::new(stored)).unwrap();
        assert_eq!(found, Verification::Wrong, "{stored}");
    }
}

#[test]
fn no_secret_is_shown() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    let shown = format!("{hashers:?} {:?}", HashingService::shared());
    assert!(!shown.contains("$argon2id"), "{shown}");
}
