//! What every [`PasswordHasher`] promises. `auth::password_hasher_suite!(make)` makes a test of each promise.
//!
//! Let the fixture make a hasher with the least work that it allows: the suite hashes some dozens of times.

#![expect(clippy::missing_panics_doc, reason = "a test panics when the promise is broken")]

use crate::passwords::{MAX_PASSWORD_BYTES, PasswordError, PasswordHash, PasswordHasher};

/// Makes one test of each promise of a password hasher, with the path of a function that makes one.
///
/// ```
/// mod argon2 {
///     fn hasher() -> auth::passwords::Argon2Hasher { Default::default() }
///     auth::password_hasher_suite!(hasher);
/// }
/// ```
#[macro_export]
macro_rules! password_hasher_suite {
    ($(#[$attribute:meta])* $make:path) => {
        $crate::password_hasher_suite! { @tests [$(#[$attribute])*] $make:
            a_password_verifies_against_its_own_hash_and_no_other_does,
            hashes_of_one_password_differ,
            a_fresh_hash_needs_no_rehash_and_a_foreign_one_does,
            damaged_and_foreign_hashes_never_verify,
            nothing_is_trimmed_folded_or_cut,
            the_longest_password_is_hashed_and_a_longer_one_is_refused,
            hardening_accepts_any_hash,
        }
    };
    (@tests $attributes:tt $make:path: $($promise:ident),* $(,)?) => {
        $($crate::password_hasher_suite! { @test $attributes $make: $promise })*
    };
    (@test [$($attributes:tt)*] $make:path: $promise:ident) => {
        #[test]
        $($attributes)*
        fn $promise() {
            $crate::testing::password_hasher::$promise(&$make());
        }
    };
}

const PASSWORD: &str = "correct horse battery staple";

fn hash(hasher: &impl PasswordHasher, password: &str) -> PasswordHash {
    hasher.hash(password).expect("an ordinary password is hashed")
}

fn verifies(hasher: &impl PasswordHasher, password: &str, hash: &PasswordHash) -> bool {
    hasher.verify(password, hash).expect("a hash is checked, whatever it is")
}

/// The password that made a hash verifies; others do not.
pub fn a_password_verifies_against_its_own_hash_and_no_other_does(hasher: &impl PasswordHasher) {
    for password in [PASSWORD, "", "пароль с пробелами", "パスワード🗝"] {
        let hash = hash(hasher, password);
        assert!(hash.is_usable());
        assert!(verifies(hasher, password, &hash), "{password}");
        assert!(!verifies(hasher, "correct horse battery stable", &hash), "{password}");
    }
}

/// Every hash has a salt of its own.
pub fn hashes_of_one_password_differ(hasher: &impl PasswordHasher) {
    assert_ne!(hash(hasher, PASSWORD), hash(hasher, PASSWORD));
}

/// A hasher is content with what it makes, and with nothing of another algorithm.
pub fn a_fresh_hash_needs_no_rehash_and_a_foreign_one_does(hasher: &impl PasswordHasher) {
    assert!(!hasher.needs_rehash(&hash(hasher, PASSWORD)));
    for foreign in FOREIGN {
        assert!(hasher.needs_rehash(&PasswordHash::new(foreign)), "{foreign}");
    }
}

const FOREIGN: [&str; 6] = ["", "!", "$", "unheard_of$1$salt$hash", PASSWORD, "\u{0}$\u{fffd}$🗝"];

/// Neither an empty, a foreign nor a shortened hash verifies; none is an error or a panic.
pub fn damaged_and_foreign_hashes_never_verify(hasher: &impl PasswordHasher) {
    for foreign in FOREIGN {
        assert!(!verifies(hasher, PASSWORD, &PasswordHash::new(foreign)), "{foreign}");
        assert!(!verifies(hasher, foreign, &PasswordHash::new(foreign)), "{foreign}");
    }
    let good = hash(hasher, PASSWORD);
    let text = good.expose();
    for length in 0..text.len() {
        assert!(!verifies(hasher, PASSWORD, &PasswordHash::new(&text[..length])), "{length}");
    }
    for added in ["$", "A", " ", "\n"] {
        let longer = PasswordHash::new(format!("{text}{added}"));
        assert!(!verifies(hasher, PASSWORD, &longer), "{added:?}");
    }
}

/// Every byte of a password counts (ASVS 6.2.8; NIST SP 800-63B-4 §3.1.1.2).
pub fn nothing_is_trimmed_folded_or_cut(hasher: &impl PasswordHasher) {
    let long = "a".repeat(200);
    let pairs = [
        (PASSWORD.to_owned(), format!("{PASSWORD} ")),
        (PASSWORD.to_owned(), format!(" {PASSWORD}")),
        (PASSWORD.to_owned(), PASSWORD.to_uppercase()),
        ("before\0after".to_owned(), "before\0other".to_owned()),
        (format!("{long}b"), format!("{long}c")),
    ];
    for (one, other) in pairs {
        let hash = hash(hasher, &one);
        assert!(verifies(hasher, &one, &hash));
        assert!(!verifies(hasher, &other, &hash), "{one:?} {other:?}");
    }
}

/// The documented maximum is the maximum, for hashing and for checking.
pub fn the_longest_password_is_hashed_and_a_longer_one_is_refused(hasher: &impl PasswordHasher) {
    let longest = "a".repeat(MAX_PASSWORD_BYTES);
    let hash = hash(hasher, &longest);
    assert!(verifies(hasher, &longest, &hash));
    let longer = longest + "a";
    assert!(matches!(hasher.hash(&longer), Err(PasswordError::TooLong { .. })));
    assert!(matches!(hasher.verify(&longer, &hash), Err(PasswordError::TooLong { .. })));
}

/// Making up for missing work never fails because of what is stored.
pub fn hardening_accepts_any_hash(hasher: &impl PasswordHasher) {
    let own = hash(hasher, PASSWORD);
    for hash in FOREIGN.map(PasswordHash::new).iter().chain([&own]) {
        hasher.harden_runtime(PASSWORD, hash).expect("a hash is hardened, whatever it is");
    }
}
