//! Hashes as they stand in databases, of every algorithm, and lists of breached passwords.

use std::fs;

use auth::passwords::{
    Argon2Hasher, BcryptHasher, BreachFile, BreachList as _, PasswordHash, PasswordHasher, Pbkdf2Hasher, ScryptHasher,
};
use auth::secret::SecretString;

use crate::block_on;

/// A hash; or, after the line `list`, a list.
pub fn run(data: &[u8]) {
    if let Some(list) = data.strip_prefix(b"list\n") {
        return breach_list(list);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let hash = PasswordHash::new(text);
    assert_eq!(hash.is_usable(), !text.is_empty() && !text.starts_with('!'));
    assert!(text.contains(hash.algorithm()) && (hash.is_usable() || hash.algorithm().is_empty()));
    assert!(text.len() < 32 || !format!("{hash:?}").contains(text));
    let hashers: [&dyn PasswordHasher; 4] =
        [&Argon2Hasher::default(), &BcryptHasher::default(), &Pbkdf2Hasher::default(), &ScryptHasher::default()];
    let mut readers = 0;
    for hasher in hashers {
        // Reads it, and does no work.
        let is_current = !hasher.needs_rehash(&hash);
        assert!(!is_current || text.len() <= 255);
        readers += usize::from(is_current);
        if is_cheap(text) && hasher.verify("password", &hash).expect("a damaged hash is no error") {
            assert!(!hasher.verify("Password", &hash).expect("it was checked"), "one password fits: {text}");
        }
    }
    assert!(readers <= 1, "a hash is of one algorithm: {text}");
}

/// Whether checking it would take no time worth mentioning: all numbers are small that could be parameters.
fn is_cheap(text: &str) -> bool {
    let most = if text.contains("$2") || text.contains("scrypt") { 8 } else { 19 };
    let parameters: Vec<_> = text.split('$').filter(|part| part.len() < 20).collect();
    let numbers = parameters.iter().flat_map(|part| part.split(|c: char| !c.is_ascii_digit()));
    numbers.filter(|digits| !digits.is_empty()).all(|digits| digits.parse::<u64>().is_ok_and(|number| number <= most))
}

/// An answer, or an error: never a panic, and never no end.
fn breach_list(list: &[u8]) {
    thread_local!(static PATH: std::path::PathBuf = std::env::temp_dir().join(format!("auth-fuzz-{}", std::process::id())));
    let path = PATH.with(Clone::clone);
    fs::write(&path, list).expect("a temporary file");
    let answer = BreachFile::open(&path).and_then(|file| block_on(file.contains(&SecretString::from("password"))));
    fs::remove_file(&path).expect("it was written");
    if let Ok(true) = answer {
        let text = String::from_utf8_lossy(list).to_ascii_uppercase();
        assert!(text.contains("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:"), "what is on the list stands there");
    }
}
