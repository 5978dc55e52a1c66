//! Names and passwords in a directory, by a real `slapd`.

use std::net::TcpListener;
use std::time::Duration;

use auth::accounts::{AuthBackend as _, AuthBackendError, LdapAuthBackend, LdapBackendError, Verdict};
use auth::secret::SecretString;
use auth::testing::TestUser;
use auth::users::{BaseUserManager as _, DefaultUser, Extra, UserManager};
use auth_tests::{LDAP_READER, TestLdap};

const PEOPLE: &str = "ou=people,dc=example,dc=org";

async fn users() -> UserManager<TestUser> {
    let users = UserManager::in_memory();
    for name in ["ann", "bob", "o'brien", "dan*", "eve", "fay", "root"] {
        users.create_user(name, None, Extra::default()).await.unwrap();
    }
    users
}

async fn searching(ldap: &TestLdap) -> LdapAuthBackend<TestUser> {
    let backend = LdapAuthBackend::search(&ldap.url(), PEOPLE, users().await).unwrap();
    backend.with_service_account(LDAP_READER.0, LDAP_READER.1).unwrap()
}

async fn binding(ldap: &TestLdap) -> LdapAuthBackend<TestUser> {
    LdapAuthBackend::bind_as(&ldap.url(), "uid={username},ou=people,dc=example,dc=org", users().await).unwrap()
}

async fn ask<U: auth::users::UserModel>(
    backend: &LdapAuthBackend<U>,
    name: &str,
    password: &str,
) -> Result<Verdict, AuthBackendError> {
    backend.authenticate(name, &SecretString::from(password)).await
}

async fn verdict<U: auth::users::UserModel>(backend: &LdapAuthBackend<U>, name: &str, password: &str) -> Verdict {
    ask(backend, name, password).await.unwrap()
}

async fn failure(backend: &LdapAuthBackend<TestUser>, name: &str) -> LdapBackendError {
    let error = ask(backend, name, &format!("{name} has a secret")).await.unwrap_err();
    let shown = format!("{error:?} {error}");
    assert!(!shown.contains("has a secret"), "{shown}");
    *error.downcast().unwrap()
}

fn yes(id: i64) -> Verdict {
    Verdict::Authenticated(id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn the_right_password_is_the_local_user_and_a_wrong_one_is_nobody() {
    let ldap = TestLdap::start();
    for backend in [searching(&ldap).await, binding(&ldap).await] {
        assert_eq!(verdict(&backend, "ann", "ann has a secret").await, yes(1));
        assert_eq!(verdict(&backend, "o'brien", "o'brien has a secret").await, yes(3));
        for (name, password) in [
            ("ann", "wrong"),
            ("ann", "bob has a secret"),
            ("ann", "ann has a secret "),
            ("ann", " "),
            ("ann", "\0"),
            ("bob", "ann has a secret"),
            ("nobody", "ann has a secret"),
            ("reader", "reader has a secret"),
            ("", "ann has a secret"),
            // In the directory, not here.
            ("cid,ou=x", "cid,ou=x has a secret"),
        ] {
            assert_eq!(verdict(&backend, name, password).await, Verdict::Next, "{name} {password:?}");
        }
        assert_eq!(verdict(&backend, &"x".repeat(1 << 20), "wrong").await, Verdict::Next);
        assert_eq!(verdict(&backend, "ann", &"x".repeat(1 << 16)).await, Verdict::Next);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn an_empty_password_never_binds() {
    let ldap = TestLdap::start();
    for backend in [searching(&ldap).await, binding(&ldap).await] {
        for name in ["ann", "nobody", ""] {
            assert_eq!(verdict(&backend, name, "").await, Verdict::Next);
        }
    }
    assert!(searching(&ldap).await.with_service_account("cn=reader,dc=example,dc=org", "").is_err());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn a_name_is_a_name_and_no_filter_or_dn() {
    let ldap = TestLdap::start();
    for backend in &[searching(&ldap).await, binding(&ldap).await] {
        assert_eq!(verdict(backend, "dan*", "dan* has a secret").await, yes(4));
        for name in [
            "*",
            "a*",
            "ann)(uid=*",
            "*)(uid=*))(|(uid=*",
            "ann))(&(uid=ann",
            "\\61nn",
            "\\2a",
            "ann\0",
            "\0",
            "ann,ou=people,dc=example,dc=org",
            "ann+cn=Ann",
            "\"ann\"",
            "#616e6e",
            "ann\n",
            "ann\u{ad}",
            " ann",
            "ann ",
            "ANN",
            "Ann",
        ] {
            assert_eq!(verdict(backend, name, "ann has a secret").await, Verdict::Next, "{name:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn two_entries_of_one_name_and_one_of_two_names_are_nobody() {
    let ldap = TestLdap::start();
    let backend = searching(&ldap).await;
    assert_eq!(verdict(&backend, "eve", "eve has a secret").await, Verdict::Next);
    for name in ["fay", "root"] {
        let error = ask(&backend, name, "fay has a secret").await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(LdapBackendError::UserName(_))), "{error:?}");
        assert_eq!(verdict(&backend, name, "wrong").await, Verdict::Next);
    }
    assert!(matches!(failure(&binding(&ldap).await, "fay").await, LdapBackendError::UserName(_)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn whoever_may_not_search_finds_nobody() {
    let ldap = TestLdap::start();
    let anonymous = LdapAuthBackend::search(&ldap.url(), PEOPLE, users().await).unwrap();
    // It is not even told that the base is there.
    assert!(matches!(failure(&anonymous, "ann").await, LdapBackendError::Answer(32)));
    let wrong = anonymous.with_service_account(LDAP_READER.0, "wrong").unwrap();
    assert!(matches!(failure(&wrong, "ann").await, LdapBackendError::ServiceAccount(49)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn a_filter_narrows_the_search() {
    let ldap = TestLdap::start();
    let backend = searching(&ldap).await.with_filter("(&(uid={username})(!(givenName=Ann)))").unwrap();
    assert_eq!(verdict(&backend, "ann", "ann has a secret").await, Verdict::Next);
    assert_eq!(verdict(&backend, "bob", "bob has a secret").await, yes(2));
    // Found by the address, she is not called so.
    let backend = backend.with_filter("(|(mail={username})(uid={username}))").unwrap();
    assert_eq!(verdict(&backend, "ann@example.org", "ann has a secret").await, Verdict::Next);
    let backend = backend.with_name_attribute("MAIL").unwrap();
    assert_eq!(verdict(&backend, "ann", "ann has a secret").await, Verdict::Next);
    let named = searching(&ldap).await.with_name_attribute("sn").unwrap();
    assert_eq!(verdict(&named, "ann", "ann has a secret").await, Verdict::Next);
    let pats = UserManager::<TestUser>::in_memory();
    pats.create_user("Pat", None, Extra::default()).await.unwrap();
    let named = LdapAuthBackend::search(&ldap.url(), PEOPLE, pats).unwrap();
    let named = named.with_service_account(LDAP_READER.0, LDAP_READER.1).unwrap();
    let named = named.with_name_attribute("GIVENNAME").unwrap();
    assert_eq!(verdict(&named, "Pat", "o'brien has a secret").await, yes(1));
    for bad in ["", "uid=*)(x", "u d"] {
        assert!(searching(&ldap).await.with_name_attribute(bad).is_err(), "{bad}");
    }
    for bad in ["(uid=ann)", "(uid={username}", "uid={username})", "{username}(", ""] {
        assert!(searching(&ldap).await.with_filter(bad).is_err(), "{bad}");
    }
    assert!(binding(&ldap).await.with_filter("(uid={username})").is_err());
    assert!(LdapAuthBackend::bind_as(&ldap.url(), "uid=ann,o=x", users().await).is_err());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn a_referral_is_not_followed() {
    let ldap = TestLdap::start();
    let elsewhere = "ou=elsewhere,dc=example,dc=org";
    let backend = LdapAuthBackend::search(&ldap.url(), elsewhere, users().await).unwrap();
    assert!(matches!(failure(&backend, "ann").await, LdapBackendError::Answer(10)));
    let backend =
        LdapAuthBackend::bind_as(&ldap.url(), &format!("uid={{username}},{elsewhere}"), users().await).unwrap();
    let answer = ask(&backend, "ann", "ann has a secret").await;
    assert!(!matches!(answer, Ok(Verdict::Authenticated(_))), "{answer:?}");
    // As a part of what is searched, it is a place where nobody is.
    let backend = LdapAuthBackend::search(&ldap.url(), "dc=example,dc=org", users().await).unwrap();
    let backend = backend.with_service_account(LDAP_READER.0, LDAP_READER.1).unwrap();
    assert_eq!(verdict(&backend, "ann", "ann has a secret").await, yes(1));
    assert_eq!(verdict(&backend, "nobody", "ann has a secret").await, Verdict::Next);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn a_directory_that_is_gone_or_hangs_cannot_tell() {
    let mut ldap = TestLdap::start();
    let backend = searching(&ldap).await;
    assert_eq!(verdict(&backend, "ann", "ann has a secret").await, yes(1));
    ldap.hang();
    let hasty = searching(&ldap).await.with_timeout(Duration::from_millis(50));
    assert!(matches!(failure(&hasty, "ann").await, LdapBackendError::TimedOut));
    ldap.kill();
    for name in ["ann", "nobody"] {
        assert!(matches!(failure(&backend, name).await, LdapBackendError::Unreachable(_)));
    }
    assert!(matches!(failure(&binding(&ldap).await, "ann").await, LdapBackendError::Unreachable(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_directory_cannot_tell() {
    use std::io::{Read as _, Write as _};
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"\x30\x05\x02\x01\x01\x61\x00", b"\x30\x84\xff\xff\xff\xff"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                drop(stream.read(&mut [0; 1024]));
                drop(stream.write_all(answer));
            }
        });
        let users = users().await;
        let backend = LdapAuthBackend::bind_as(&url, "uid={username},o=x", users).unwrap();
        let backend = backend.with_timeout(Duration::from_secs(2));
        failure(&backend, "ann").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn start_tls_trusts_whom_it_is_told_to_and_nobody_else() {
    let ldap = TestLdap::start();
    let trusting = searching(&ldap).await.with_start_tls().trusting(ldap.certificate()).unwrap();
    assert_eq!(verdict(&trusting, "ann", "ann has a secret").await, yes(1));
    let system = searching(&ldap).await.with_start_tls();
    assert!(matches!(failure(&system, "ann").await, LdapBackendError::Unreachable(_)));
    // The certificate is for another name.
    let url = ldap.url().replace("127.0.0.1", "localhost");
    let named = LdapAuthBackend::search(&url, PEOPLE, users().await).unwrap().with_start_tls();
    let named = named.trusting(ldap.certificate()).unwrap();
    assert!(matches!(failure(&named, "ann").await, LdapBackendError::Unreachable(_)));
    // It speaks no TLS from the beginning.
    let url = ldap.url().replace("ldap:", "ldaps:");
    let encrypted = LdapAuthBackend::search(&url, PEOPLE, users().await).unwrap();
    let encrypted = encrypted.with_timeout(Duration::from_millis(500));
    failure(&encrypted, "ann").await;
    for none in ["/dev/null", "/nowhere"] {
        assert!(searching(&ldap).await.trusting(none).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn an_unknown_user_is_made_only_where_that_is_asked_for() {
    let ldap = TestLdap::start();
    let users = UserManager::<DefaultUser>::in_memory();
    let backend = || {
        let backend = LdapAuthBackend::search(&ldap.url(), PEOPLE, users.clone()).unwrap();
        backend.with_service_account(LDAP_READER.0, LDAP_READER.1).unwrap()
    };
    assert_eq!(verdict(&backend(), "ann", "ann has a secret").await, Verdict::Next);
    let creating = backend().create_unknown(true);
    assert_eq!(verdict(&creating, "ann", "wrong").await, Verdict::Next);
    assert!(users.get_by_username("ann").await.unwrap().is_none());
    let first = verdict(&creating, "ann", "ann has a secret").await;
    let ann = users.get_by_username("ann").await.unwrap().unwrap();
    assert_eq!(first, Verdict::Authenticated(auth::users::User::id(&ann)));
    assert_eq!(verdict(&creating, "ann", "ann has a secret").await, first);
    assert_eq!((&*ann.email, &*ann.first_name, &*ann.last_name), ("ann@example.org", "Ann", "Example"));
    assert!(!ann.is_superuser && !ann.is_staff && !auth::users::BaseUser::has_usable_password(&ann));
    // What does not fit its column is left out.
    assert!(matches!(verdict(&creating, "bob", "bob has a secret").await, Verdict::Authenticated(_)));
    assert_eq!(users.get_by_username("bob").await.unwrap().unwrap().email, "");
    // An address that somebody has already is not given twice.
    let taken = Extra::from([("email".to_owned(), "pat@example.org".into())]);
    users.create_user("pat", None, taken).await.unwrap();
    assert!(matches!(verdict(&creating, "o'brien", "o'brien has a secret").await, Verdict::Authenticated(_)));
    assert_eq!(users.get_by_username("o'brien").await.unwrap().unwrap().email, "");
    assert_eq!(users.get_by_email("pat@example.org").await.unwrap().unwrap().username, "pat");
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let backend = LdapAuthBackend::search("ldaps://ldap.example.org", PEOPLE, users().await).unwrap();
    let backend = backend.with_service_account(LDAP_READER.0, LDAP_READER.1).unwrap();
    assert!(!format!("{backend:?}").contains("has a secret"));
}
