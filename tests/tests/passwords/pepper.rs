//! Peppers: introduced, changed, and missing.

use auth::passwords::{
    Argon2Hasher, Argon2Params, BcryptHasher, MAX_PASSWORD_BYTES, PasswordError, PasswordHash, PasswordHasher,
    PasswordHashers, Pepper, PepperError, PepperedHasher, Verification,
};

use super::{Spy, logged};

const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "u7Fw2Kp9qLm4Zx8Vb3Nc1Td6Yh5Rg0Js";
const OLD: &str = "b3Nc8Xz1wQe5Rt7Yu9Io2Pa4Sd6Fg8Hj";

mod suite {
    use auth::passwords::{Argon2Hasher, BcryptHasher, Pepper, PepperedHasher};

    fn over_argon2() -> PepperedHasher {
        PepperedHasher::new(Pepper::new("2027", super::NEW).unwrap(), Argon2Hasher::default())
    }
    auth::password_hasher_suite!(over_argon2);

    mod bcrypt {
        fn over_bcrypt() -> super::PepperedHasher {
            let hasher = super::BcryptHasher::new(10).unwrap();
            super::PepperedHasher::new(super::Pepper::new("2027", super::super::NEW).unwrap(), hasher)
        }
        auth::password_hasher_suite!(over_bcrypt);
    }
}

fn pepper() -> Pepper {
    Pepper::new("2027", NEW).unwrap()
}

fn peppered(pepper: Pepper) -> PasswordHashers {
    PasswordHashers::new(PepperedHasher::new(pepper, Argon2Hasher::default()))
}

#[test]
fn weak_secrets_and_odd_ids_are_refused() {
    let id = || "2027".to_owned();
    assert_eq!(Pepper::new("2027", "short").unwrap_err(), PepperError::TooShort { id: id() });
    assert_eq!(Pepper::new("2027", &"a".repeat(64)).unwrap_err(), PepperError::Placeholder { id: id() });
    let weak = pepper().with_fallback("2026", "changeme-changeme-changeme-0123456789").unwrap_err();
    assert_eq!(weak, PepperError::Placeholder { id: "2026".to_owned() });
    assert_eq!(pepper().with_fallback("2027", OLD).unwrap_err(), PepperError::Duplicate { id: id() });
    for odd in ["", "a$b", "a b", "ä", "12345678901234567"] {
        assert_eq!(Pepper::new(odd, NEW).unwrap_err(), PepperError::Id, "{odd}");
    }
}

#[test]
fn the_hash_says_which_pepper_and_fits_into_djangos_column() {
    let longest = Pepper::new("1234567890123456", NEW).unwrap();
    let hash = peppered(longest).hash(PASSWORD).unwrap();
    assert!(hash.expose().starts_with("pepper$1234567890123456$$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(hash.expose().len() <= 128, "{}", hash.expose().len());
    assert_eq!(hash.algorithm(), "pepper");
}

#[test]
fn a_dump_without_the_pepper_verifies_nothing() {
    let hash = peppered(pepper()).hash(PASSWORD).unwrap();
    let inner = PasswordHash::new(hash.expose().strip_prefix("pepper$2027$").unwrap());
    let another = peppered(Pepper::new("2027", OLD).unwrap());
    for hashers in [PasswordHashers::new(Argon2Hasher::default()), another] {
        for stolen in [&hash, &inner] {
            assert_eq!(hashers.verify(PASSWORD, stolen).unwrap(), Verification::Wrong);
        }
    }
    // And the hash of a known password cannot be put where a peppered one is expected.
    let known = Argon2Hasher::default().hash(PASSWORD).unwrap();
    let forged = PasswordHash::new(format!("pepper$2027${}", known.expose()));
    assert_eq!(peppered(pepper()).verify(PASSWORD, &forged).unwrap(), Verification::Wrong);
}

#[test]
fn a_pepper_is_introduced_and_changed_without_logging_anybody_out() {
    let unpeppered = PasswordHashers::new(Argon2Hasher::default()).hash(PASSWORD).unwrap();
    let first = peppered(Pepper::new("2026", OLD).unwrap());
    let second = peppered(pepper().with_fallback("2026", OLD).unwrap());
    assert_eq!(first.verify(PASSWORD, &unpeppered).unwrap(), Verification::CorrectButRehash);
    let old = first.hash(PASSWORD).unwrap();
    assert_eq!(first.verify(PASSWORD, &old).unwrap(), Verification::Correct);
    assert_eq!(second.verify(PASSWORD, &old).unwrap(), Verification::CorrectButRehash);
    assert_eq!(second.verify(PASSWORD, &unpeppered).unwrap(), Verification::CorrectButRehash);
    let new = second.hash(PASSWORD).unwrap();
    assert_eq!(second.verify(PASSWORD, &new).unwrap(), Verification::Correct);
    for hash in [&old, &new, &unpeppered] {
        assert_eq!(second.verify("another", hash).unwrap(), Verification::Wrong);
    }
}

#[test]
fn the_hasher_below_may_change_and_get_stronger() {
    let cheap = BcryptHasher::new(10).unwrap();
    let over_bcrypt = PasswordHashers::new(PepperedHasher::new(pepper(), cheap)).hash(PASSWORD).unwrap();
    assert!(over_bcrypt.expose().starts_with("pepper$2027$$2b$10$"));
    let over_argon2 = peppered(pepper());
    assert_eq!(over_argon2.verify(PASSWORD, &over_bcrypt).unwrap(), Verification::CorrectButRehash);
    assert_eq!(over_argon2.verify("another", &over_bcrypt).unwrap(), Verification::Wrong);
    let stronger = Argon2Hasher::new(Argon2Params::new(19_456, 3, 1).unwrap());
    let stronger = PasswordHashers::new(PepperedHasher::new(pepper(), stronger));
    let hash = over_argon2.hash(PASSWORD).unwrap();
    assert_eq!(stronger.verify(PASSWORD, &hash).unwrap(), Verification::CorrectButRehash);
}

#[test]
fn what_other_systems_wrote_is_still_checked() {
    let hashers = peppered(pepper());
    for hash in [
        "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$scrypt$ln=4,r=8,p=2$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$pbkdf2$1212$yJmTknIOgZCy1lrr3Zszxg$O3Na1KiTrxFq./QmyTjnH8OHRKI",
        "argon2$argon2i$v=19$m=64,t=2,p=2$c29tZXNhbHQ$Qa+9KwT9lMGjI1xJfY7fudSJTfoMq/ihkJJjQPx18Us",
    ] {
        let hash = PasswordHash::new(hash);
        assert_eq!(hashers.verify(PASSWORD, &hash).unwrap(), Verification::CorrectButRehash);
        assert_eq!(hashers.verify("another", &hash).unwrap(), Verification::Wrong);
    }
}

#[test]
fn a_hasher_that_is_not_registered_still_checks_its_own_without_a_pepper() {
    let hashers = PasswordHashers::new(PepperedHasher::new(pepper(), Spy::default()));
    let verify = |password: &str| hashers.verify(password, &PasswordHash::new("spy$2$right")).unwrap();
    assert_eq!(verify("right"), Verification::CorrectButRehash);
    assert_eq!(verify("wrong"), Verification::Wrong);
}

#[test]
fn an_unknown_pepper_never_verifies_and_is_logged() {
    let hash = peppered(Pepper::new("2026", OLD).unwrap()).hash(PASSWORD).unwrap();
    let log = logged(|| {
        assert_eq!(peppered(pepper()).verify(PASSWORD, &hash).unwrap(), Verification::Wrong);
    });
    assert!(log.contains("id=\"2026\"") && log.contains("pepper that is not there"), "{log}");
    assert!(!log.contains(hash.expose()) && !log.contains("argon2id") && !log.contains(PASSWORD), "{log}");
}

#[test]
fn damaged_ones_never_verify() {
    let hashers = peppered(pepper());
    let good = hashers.hash(PASSWORD).unwrap();
    let inner = good.expose().strip_prefix("pepper$2027$").unwrap();
    for damaged in [
        "pepper".to_owned(),
        "pepper$".to_owned(),
        "pepper$2027".to_owned(),
        "pepper$2027$".to_owned(),
        "pepper$2027$!".to_owned(),
        format!("pepper$2028${inner}"),
        format!("pepper$$2027${inner}"),
        format!("pepper${inner}"),
        format!("$pepper$2027${inner}"),
        format!("pepper$2027$pepper$2027${inner}"),
        format!("pepper$2027${inner}A"),
        inner.to_owned(),
    ] {
        assert_eq!(hashers.verify(PASSWORD, &PasswordHash::new(&*damaged)).unwrap(), Verification::Wrong, "{damaged}");
    }
    assert_eq!(hashers.verify(PASSWORD, &good).unwrap(), Verification::Correct);
}

/// Whatever is stored, a wrong password is worked on once by the hasher below, or hardened by it.
#[test]
fn a_wrong_password_costs_the_same() {
    let spy = Spy::default();
    let hashers = PasswordHashers::new(PepperedHasher::new(pepper(), spy.clone()));
    let cases = [
        ("pepper$2027$spy$2$right", (1, 0)),
        ("pepper$2027$spy$1$right", (1, 1)),
        ("pepper$2026$spy$2$right", (0, 1)),
        ("pepper$2027$$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", (0, 1)),
        ("pepper$2027$unheard_of$1", (0, 1)),
        ("pepper$2027$!", (0, 1)),
        ("pepper$2027", (0, 1)),
        ("spy$2$right", (1, 0)),
        ("spy$1$right", (1, 1)),
        ("$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", (0, 1)),
        ("unheard_of$1", (1, 0)),
        ("!", (1, 0)),
        ("", (1, 0)),
    ];
    for (stored, work) in cases {
        let found = hashers.verify("wrong", &PasswordHash::new(stored)).unwrap();
        assert_eq!((found, spy.work()), (Verification::Wrong, work), "{stored}");
    }
}

#[test]
fn the_bound_on_passwords_stays_and_nothing_secret_is_shown() {
    let hasher = PepperedHasher::new(pepper().with_fallback("2026", OLD).unwrap(), Argon2Hasher::default());
    let long = "a".repeat(MAX_PASSWORD_BYTES + 1);
    assert!(matches!(hasher.hash(&long), Err(PasswordError::TooLong { max: MAX_PASSWORD_BYTES })));
    let shown = format!("{hasher:?} {:?}", pepper());
    assert!(shown.contains("2027") && !shown.contains(NEW) && !shown.contains(OLD), "{shown}");
}
