//! Lists of breached passwords: what is made of their answers, and the file.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth::BoxFuture;
use auth::passwords::{
    Argon2Hasher, BreachFile, BreachList, PasswordContext, PasswordError, PasswordHashers, Passwords,
};
use auth::secret::SecretString;
use auth::users::{BaseUserManager as _, DefaultUserManager, Extra, UserError};
use auth_tests::TestDirectory;
use proptest::prelude::*;

/// Knows one password, or does not answer.
#[derive(Clone, Debug)]
struct List {
    known: Option<&'static str>,
    asked: Arc<AtomicUsize>,
}

impl List {
    fn new(known: Option<&'static str>) -> Self {
        Self { known, asked: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl BreachList for List {
    fn contains<'a>(&'a self, password: &'a SecretString) -> BoxFuture<'a, Result<bool, PasswordError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let known = self.known.ok_or_else(|| PasswordError::BreachList("it is silent".into()))?;
            Ok(password.expose() == known)
        })
    }
}

fn passwords(list: &List) -> Passwords {
    Passwords::new(PasswordHashers::new(Argon2Hasher::default())).with_breach_list(list.clone())
}

/// Codes of the problems, or nothing where the answer is that it cannot be told.
async fn codes(passwords: &Passwords, password: &str) -> Option<Vec<&'static str>> {
    let context = PasswordContext::new().field("user name", "willfarrington");
    match passwords.validate(&password.into(), &context).await {
        Ok(found) => Some(found.err().map(|invalid| invalid.codes().collect()).unwrap_or_default()),
        Err(PasswordError::BreachList(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

const BREACHED: &str = "correct horse battery staple";

#[tokio::test]
async fn a_breached_password_is_refused_together_with_what_else_is_wrong() {
    let list = List::new(Some(BREACHED));
    assert_eq!(codes(&passwords(&list), BREACHED).await.unwrap(), ["password_breached"]);
    assert_eq!(codes(&passwords(&list), "plum tractor evening").await.unwrap(), [""; 0]);
    let short = List::new(Some("willfarrington"));
    let found = codes(&passwords(&short), "willfarrington").await.unwrap();
    assert_eq!(found, ["password_too_short", "password_too_similar", "password_breached"]);
    let _ = list.asked();
    assert_eq!(codes(&passwords(&list), &"a".repeat(5000)).await.unwrap(), ["password_too_long"]);
    assert_eq!(list.asked(), 0);
}

#[tokio::test]
async fn when_it_cannot_be_told_the_password_is_refused_unless_told_otherwise() {
    let silent = List::new(None);
    assert_eq!(codes(&passwords(&silent), BREACHED).await, None);
    assert_eq!(codes(&passwords(&silent), "short").await.unwrap(), ["password_too_short"]);
    let lenient = passwords(&silent).accept_when_breach_list_fails();
    assert_eq!(codes(&lenient, BREACHED).await.unwrap(), [""; 0]);
    assert_eq!(codes(&lenient, "short").await.unwrap(), ["password_too_short"]);
    assert_eq!(silent.asked(), 4);
}

#[tokio::test]
async fn every_new_password_of_a_user_is_asked_about_and_no_old_one() {
    let list = List::new(Some(BREACHED));
    let users = DefaultUserManager::in_memory().with_passwords(passwords(&list));
    let refused = users.create_user("ada", Some(BREACHED), Extra::default()).await.unwrap_err();
    assert!(matches!(&refused, UserError::WeakPassword(found) if found.codes().eq(["password_breached"])), "{refused}");
    let user = users.create_user("ada", Some("plum tractor evening"), Extra::default()).await.unwrap();
    let refused = users.set_password(&user.id, BREACHED).await.unwrap_err();
    assert!(matches!(refused, UserError::WeakPassword(_)), "{refused}");
    let refused = users.register("eve", BREACHED, Extra::default()).await.unwrap_err();
    assert!(matches!(refused, UserError::WeakPassword(_)), "{refused}");
    assert_eq!(list.asked(), 4);
    let hash = &user.password_hash;
    let found = users.passwords().verify(&"plum tractor evening".into(), hash).await.unwrap();
    assert!(found.is_correct());
    assert_eq!(list.asked(), 0);

    let silent = users.with_passwords(passwords(&List::new(None)));
    let refused = silent.register("eve", BREACHED, Extra::default()).await.unwrap_err();
    assert!(matches!(refused, UserError::Password(PasswordError::BreachList(_))), "{refused}");
}

/// The first lines of the real list, and the digests of "password" and [`BREACHED`].
const LINES: [&str; 6] = [
    "000000005AD76BD555C1D6D771DE417A4B87E4B4:10",
    "00000000A8DAE4228F821FB418F59826079BF368:4",
    "00000000DD7F2A1C68A35673713783CA390C9E93:873",
    "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004",
    "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42:0",
    "BE4A3CBF6C8C7AA0D9F8A6A8C8F2A7C4B7D2A6F5:1",
];

async fn found(text: &str, password: &str) -> Result<bool, PasswordError> {
    let directory = TestDirectory::new();
    let path = directory.path().join("list");
    fs::write(&path, text).unwrap();
    BreachFile::open(path)?.contains(&password.into()).await
}

#[tokio::test]
async fn a_file_is_searched_in_every_spelling() {
    for text in [
        LINES.join("\n"),
        LINES.join("\n") + "\n",
        LINES.join("\r\n") + "\r\n",
        LINES.join("\n").to_lowercase(),
        LINES[3].to_owned(),
        LINES[3].to_owned() + "\n",
        LINES[2..4].join("\n"),
        LINES[3..].join("\n"),
    ] {
        assert!(found(&text, "password").await.unwrap(), "{text}");
        assert!(!found(&text, "plum tractor evening").await.unwrap(), "{text}");
    }
    // A count of zero is no theft.
    assert!(!found(&LINES.join("\n"), BREACHED).await.unwrap());
    assert!(found(&LINES.join("\n").replace("D42:0", "D42:1"), BREACHED).await.unwrap());
}

#[tokio::test]
async fn what_is_no_such_file_is_an_error_and_no_answer() {
    assert!(BreachFile::open("/there/is/no/such/file").is_err());
    let digest = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    for text in [
        String::new(),
        "\n".to_owned(),
        "password\n".to_owned(),
        digest.to_owned(),
        format!("{digest}:"),
        format!("{digest}:x"),
        format!("{digest}:-1"),
        format!("{digest}:1 "),
        format!("{digest}0:1"),
        format!("{}:1", &digest[1..]),
        format!("{digest}:99999999999999999999999"),
        format!("{}\n{}", LINES[3], LINES[0]),
        "0".repeat(1 << 16),
        format!("{}\n{}", LINES[0], "0".repeat(1 << 16)),
        format!("{}\n\n{}", LINES[0], LINES[5]),
    ] {
        let answer = found(&text, "password").await;
        assert!(matches!(answer, Err(PasswordError::BreachList(_))), "{:?} {answer:?}", &text[..text.len().min(60)]);
    }
}

#[tokio::test]
async fn a_newer_file_counts_at_once_and_a_missing_one_is_an_error() {
    let directory = TestDirectory::new();
    let [path, newer] = ["list", "newer"].map(|name| directory.path().join(name));
    fs::write(&path, LINES[..3].join("\n")).unwrap();
    let list = BreachFile::open(&path).unwrap();
    assert!(!list.contains(&"password".into()).await.unwrap());
    fs::write(&newer, LINES[..4].join("\n")).unwrap();
    fs::rename(&newer, &path).unwrap();
    assert!(list.contains(&"password".into()).await.unwrap());
    fs::remove_file(&path).unwrap();
    let error = list.contains(&"password".into()).await.unwrap_err();
    assert!(!format!("{error:?}").contains("5BAA"));
}

/// The digest of "password" and its neighbours.
fn digest(number: u32) -> String {
    match number {
        0 => "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8".to_owned(),
        _ => format!("{:08X}{:032X}", number.wrapping_mul(0x9E37_79B9), number),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_file_finds_what_is_in_it_and_nothing_else(
        numbers in prop::collection::btree_set(1..1_000_000_u32, 1..80),
        is_there: bool,
        windows: bool,
        counts in prop::collection::vec(1..u64::MAX, 81),
    ) {
        let mut digests: BTreeSet<_> = numbers.into_iter().map(digest).collect();
        if is_there {
            digests.insert(digest(0));
        }
        let mut text = String::new();
        for (digest, count) in digests.iter().zip(counts) {
            write!(text, "{digest}:{count}{}", if windows { "\r\n" } else { "\n" }).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(found(&text, "password")).unwrap(), is_there);
    }
}
