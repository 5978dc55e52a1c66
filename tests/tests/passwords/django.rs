//! Every row of `passwords` and `passwords_rejected` of the vectors that the real Django made.

use auth::passwords::{Argon2Hasher, PasswordHash, PasswordHashers, Verification};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    passwords: Vec<Row>,
    passwords_rejected: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    password: String,
    encoded: String,
    #[serde(default)]
    verify: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../vectors/django/passwords.json")).unwrap()
}

#[test]
fn what_django_wrote_verifies_and_is_upgraded() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    let rows = vectors().passwords;
    assert_eq!(rows.len(), 57);
    for row in rows {
        let found = hashers.verify(&row.password, &PasswordHash::new(&*row.encoded)).unwrap();
        // Django itself checks salted MD5 only where an application asks for it; this crate never does.
        let expected = row.verify && !row.id.starts_with("md5-");
        assert_eq!(found.is_correct(), expected, "{}", row.id);
        assert_ne!(found, Verification::Correct, "{}", row.id);
    }
}

#[test]
fn what_django_rejects_never_verifies() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    let rows = vectors().passwords_rejected;
    assert_eq!(rows.len(), 8);
    for row in rows {
        let hash = PasswordHash::new(&*row.encoded);
        assert_eq!(hashers.verify(&row.password, &hash).unwrap(), Verification::Wrong, "{}", row.id);
    }
}
