//! Whoever reads what sessions are kept in takes over none of them.

use std::collections::BTreeSet;
use std::path::Path;

use auth::prelude::Auth;
use auth::sessions::{FileSessionBackend, SessionKey};
use auth_tests::{DatabaseServer, TestDirectory};
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::kept::Kept;

/// The values of the cookies that visitors have.
async fn visits(site: &Kept) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let visitor = site.visitor();
        visitor.join(name).await;
        let note = visitor.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").body("x");
        assert_eq!(visitor.send(note).await.status, StatusCode::OK);
        assert_eq!(site.status(&visitor.cookie().unwrap()).await, StatusCode::OK);
        keys.push(visitor.cookie().unwrap().strip_prefix("session=").unwrap().to_owned());
        // One that is over: what was there may be there still.
        visitor.post("/login", &json!({ "username": name, "password": auth_tests::http::PASSWORD })).await;
        keys.push(visitor.cookie().unwrap().strip_prefix("session=").unwrap().to_owned());
    }
    keys
}

/// Neither a key nor half of one stands there, and nothing that stands there is a key.
async fn opens_nothing(site: &Kept, keys: &[String], dump: &[u8]) {
    assert_eq!(keys.len(), 6);
    for key in keys {
        let id = SessionKey::parse(key.as_bytes()).unwrap().digest().to_string();
        assert!(contains(dump, id.as_bytes()), "the session itself is there");
        let bits = decoded(key);
        // The 16 bits around the middle belong to both halves.
        for secret in [key.as_bytes(), &key.as_bytes()[..21], &key.as_bytes()[21..], &bits[..15], &bits[16..]] {
            let (small, large) = (hex(secret), hex(secret).to_uppercase());
            for form in [secret, small.as_bytes(), large.as_bytes()] {
                assert!(!contains(dump, form), "a key is stored");
            }
        }
    }
    let candidates = candidates(dump);
    assert!(candidates.len() > keys.len(), "the ids are among them");
    for candidate in candidates {
        assert_eq!(site.status(&format!("session={candidate}")).await, StatusCode::UNAUTHORIZED, "{candidate}");
    }
    let alive = keys.last().unwrap();
    assert_eq!(site.status(&format!("session={alive}")).await, StatusCode::OK, "a key does");
}

/// All that could be taken for a key: 43 characters of base64url that stand there, 32 bytes that stand there in
/// hexadecimal, and what they make as a key's text.
fn candidates(dump: &[u8]) -> BTreeSet<String> {
    let base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut found = BTreeSet::new();
    for run in dump.split(|byte| !base64url(byte)) {
        let text = str::from_utf8(run).unwrap();
        found.extend((43..=run.len()).map(|end| text[end - 43..end].to_owned()));
    }
    for run in dump.split(|byte| !byte.is_ascii_hexdigit()) {
        for digits in run.windows(64).step_by(2) {
            let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
            let bytes: Vec<_> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
            found.insert(encoded(&bytes));
        }
    }
    found
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == character).unwrap();
        held = held << 6 | u32::try_from(value).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    bytes
}

fn encoded(bytes: &[u8]) -> String {
    let bit = |index: usize| bytes.get(index / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1);
    let character = |start: usize| (start..start + 6).fold(0, |value, index| value << 1 | usize::from(bit(index)));
    (0..bytes.len() * 8).step_by(6).map(|start| char::from(ALPHABET[character(start)])).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The names and the contents of all files.
fn files(directory: &Path) -> Vec<u8> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        found.extend(path.file_name().unwrap().as_encoded_bytes());
        found.push(b'\n');
        found.extend(if path.is_dir() { files(&path) } else { std::fs::read(&path).unwrap() });
        found.push(b'\n');
    }
    found
}

#[test]
fn what_is_looked_for_is_found() {
    let key = SessionKey::generate().expose();
    assert_eq!(encoded(&decoded(&key)), key);
    let stored = |text: &str| candidates(format!("x;{text};").as_bytes()).contains(&key);
    assert!(stored(&key) && stored(&hex(&decoded(&key))) && !stored(&key[1..]));
    assert!(contains(b"abc", b"bc") && !contains(b"abc", b"cb"));
}

#[tokio::test]
async fn a_file_of_sqlite_opens_no_session() {
    let directory = TestDirectory::new();
    let url = format!("sqlite:{}?mode=rwc", directory.path().join("site.db").display());
    let site = Kept::start(Auth::builder().database(&url).sessions("database:")).await;
    let keys = visits(&site).await;
    opens_nothing(&site, &keys, &files(directory.path())).await;
}

#[tokio::test]
async fn a_directory_of_sessions_opens_none() {
    let directory = TestDirectory::new();
    let sessions = FileSessionBackend::open(directory.path().join("sessions")).await.unwrap();
    let site = Kept::start(Auth::builder().session_backend(sessions)).await;
    let keys = visits(&site).await;
    opens_nothing(&site, &keys, &files(directory.path())).await;
}

async fn a_dump_opens_no_session(server: DatabaseServer) {
    let site = Kept::start(Auth::builder().database(&server.url()).sessions("database:")).await;
    let keys = visits(&site).await;
    opens_nothing(&site, &keys, &server.dump()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's server"]
async fn a_dump_of_postgres_opens_no_session() {
    a_dump_opens_no_session(DatabaseServer::postgres().await).await;
}

#[tokio::test]
#[ignore = "needs MariaDB's server"]
async fn a_dump_of_mariadb_opens_no_session() {
    a_dump_opens_no_session(DatabaseServer::mariadb().await).await;
}
