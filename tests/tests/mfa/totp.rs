//! Codes of authenticator apps, on every kind of store.

use auth::clock::Clock as _;
use auth::mfa::{AuthMethods, FactorKind, FactorProof, MFAAuthentication, MfaError, TotpConfig};
use auth::records::{DynRecordStore, NewRecord};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use chrono::TimeDelta;
use serde_json::Value;

use crate::fixture::{ATTEMPT, CHALLENGE, FACTOR, SECRET, app, code, enrol, fifty, kept, mfa, with_secret, wrong};
use crate::records::{broken, memory, tests_on_every_store};

const STEP: TimeDelta = TimeDelta::seconds(30);

tests_on_every_store!(
    an_app_is_in_force_by_its_first_code,
    an_enrolment_is_anothers_for_nobody,
    an_enrolment_has_five_tries_and_ten_minutes,
    of_all_enrolments_of_a_session_the_newest_is_kept,
    a_code_is_taken_once,
    a_code_is_taken_a_step_early_or_late,
    of_fifty_on_two_servers_one_is_taken,
    of_fifty_confirmations_one_counts,
    every_app_has_its_own_codes,
    secrets_move_to_the_newest_key,
    nothing_secret_is_kept,
    a_secret_opens_for_its_own_app_only,
);

async fn an_app_is_in_force_by_its_first_code(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada@example.org").await.unwrap();
    let (app, challenge) = (app(&enrolment), &*enrolment.challenge);
    let first = code(&app, &clock, 0);
    assert_eq!(enrolment.expires_at, clock.now() + TimeDelta::minutes(10));

    assert!(mfa.factors("ada").await.unwrap().is_empty() && mfa.required("ada").await.unwrap().is_empty());
    assert!(!mfa.verify_code("ada", &first).await.unwrap());
    let (wrong, none) = (wrong(&app, &clock), mfa.confirm_totp("ada", ATTEMPT, challenge, "12345", "Phone"));
    assert_eq!(none.await.unwrap(), None);
    assert_eq!(mfa.confirm_totp("ada", ATTEMPT, challenge, &wrong, "Phone").await.unwrap(), None);
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        let unnamed = mfa.confirm_totp("ada", ATTEMPT, challenge, &first, name).await;
        assert!(matches!(unnamed, Err(MfaError::Invalid(_))), "{name:?}");
    }
    let factor = mfa.confirm_totp("ada", ATTEMPT, challenge, &first, " Phone ").await.unwrap().unwrap();
    assert_eq!((factor.kind, &*factor.name, factor.last_used_at), (FactorKind::Totp, "Phone", None));
    assert_eq!(factor.created_at, clock.now());
    assert_eq!(mfa.factors("ada").await.unwrap(), std::slice::from_ref(&factor));
    assert_eq!(mfa.required("ada").await.unwrap(), [FactorKind::Totp]);
    assert_eq!(mfa.confirm_totp("ada", ATTEMPT, challenge, &first, "Phone").await.unwrap(), None);

    // That code is used up.
    assert!(!mfa.verify_code("ada", &first).await.unwrap());
    clock.advance(STEP);
    let next = code(&app, &clock, 0);
    let proof = FactorProof::totp(format!("{} {}", &next[..3], &next[3..]));
    assert_eq!(mfa.verify("eve", "login 1", &proof).await.unwrap(), None);
    assert_eq!(mfa.verify("ada", "login 1", &proof).await.unwrap(), Some(AuthMethods::TOTP));
    assert_eq!(mfa.verify("ada", "login 2", &proof).await.unwrap(), None);
    assert_eq!(mfa.factors("ada").await.unwrap()[0].last_used_at, Some(clock.now()));
}

async fn an_enrolment_is_anothers_for_nobody(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
    let (app, challenge) = (app(&enrolment), &*enrolment.challenge);
    let right = code(&app, &clock, 0);
    for (user, attempt, challenge) in [
        ("eve", ATTEMPT, challenge),
        ("ada", "session 2", challenge),
        ("ada", ATTEMPT, "0123456789abcdef0123456789abcdef"),
        ("ada", ATTEMPT, ""),
        ("", "", ""),
    ] {
        assert_eq!(mfa.confirm_totp(user, attempt, challenge, &right, "Phone").await.unwrap(), None);
    }
    assert!(mfa.factors("eve").await.unwrap().is_empty());
    assert!(mfa.confirm_totp("ada", ATTEMPT, challenge, &right, "Phone").await.unwrap().is_some());
}

async fn an_enrolment_has_five_tries_and_ten_minutes(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    for (wrong_ones, waits, counts) in [(4, 9, true), (5, 0, false), (0, 10, false)] {
        let enrolment = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
        let (app, challenge) = (app(&enrolment), &*enrolment.challenge);
        for _ in 0..wrong_ones {
            let wrong = wrong(&app, &clock);
            assert_eq!(mfa.confirm_totp("ada", ATTEMPT, challenge, &wrong, "Phone").await.unwrap(), None);
        }
        clock.advance(TimeDelta::minutes(waits));
        let right = code(&app, &clock, 0);
        let confirmed = mfa.confirm_totp("ada", ATTEMPT, challenge, &right, "Phone").await.unwrap();
        assert_eq!(confirmed.is_some(), counts, "{wrong_ones} wrong codes, {waits} minutes");
    }
}

async fn of_all_enrolments_of_a_session_the_newest_is_kept(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let elsewhere = mfa.register_user("ada", "session 2", "ada").await.unwrap();
    let older = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
    for _ in 0..10 {
        drop(mfa.register_user("ada", ATTEMPT, "ada").await.unwrap());
    }
    let newest = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
    assert_eq!(kept(&store, CHALLENGE, "ada").await.len(), 2, "one of each session");
    let confirmed = async |enrolment, attempt| {
        let (code, challenge) = (code(&app(enrolment), &clock, 0), &enrolment.challenge);
        mfa.confirm_totp("ada", attempt, challenge, &code, "Phone").await.unwrap().is_some()
    };
    assert!(!confirmed(&older, ATTEMPT).await && !confirmed(&elsewhere, ATTEMPT).await);
    assert!(confirmed(&newest, ATTEMPT).await && confirmed(&elsewhere, "session 2").await);
}

async fn a_code_is_taken_once(store: DynRecordStore, clock: ManualClock) {
    let servers = [mfa(&store, &clock), mfa(&store, &clock)];
    let (app, _) = enrol(&servers[0], &clock, "ada", "Phone").await;
    clock.advance(STEP * 5);
    let (before, now, next) = (code(&app, &clock, -1), code(&app, &clock, 0), code(&app, &clock, 1));
    assert!(servers[0].verify_code("ada", &now).await.unwrap());
    // Neither it nor an older one, however long it would have counted.
    for server in &servers {
        for used in [&now, &before] {
            assert!(!server.verify_code("ada", used).await.unwrap());
        }
    }
    assert!(servers[1].verify_code("ada", &next).await.unwrap());
    clock.advance(STEP);
    assert!(!servers[0].verify_code("ada", &next).await.unwrap());
    assert!(!servers[0].verify_code("ada", &now).await.unwrap());
}

async fn a_code_is_taken_a_step_early_or_late(store: DynRecordStore, clock: ManualClock) {
    let one = mfa(&store, &clock);
    let none = one.clone().with_totp(TotpConfig::default().with_window(0).unwrap());
    let three = one.clone().with_totp(TotpConfig::default().with_window(3).unwrap());
    let (app, _) = enrol(&one, &clock, "ada", "Phone").await;
    for (server, window) in [(none, 0), (one, 1), (three, 3)] {
        for off in -4..=4_i32 {
            clock.advance(STEP * 10);
            let given = code(&app, &clock, off);
            let counts = server.verify_code("ada", &given).await.unwrap();
            assert_eq!(counts, off.abs() <= window, "{off} steps of {window}");
        }
    }
}

async fn of_fifty_on_two_servers_one_is_taken(store: DynRecordStore, clock: ManualClock) {
    let servers = [mfa(&store, &clock), mfa(&store, &clock)];
    let (app, _) = enrol(&servers[0], &clock, "ada", "Phone").await;
    for _ in 0..3 {
        clock.advance(STEP);
        let given = code(&app, &clock, 0);
        let taken = fifty(servers.clone(), |server| {
            let given = given.clone();
            async move { server.verify_code("ada", &given).await.unwrap() }
        });
        assert_eq!(taken.await, 1);
    }
}

async fn of_fifty_confirmations_one_counts(store: DynRecordStore, clock: ManualClock) {
    let servers = [mfa(&store, &clock), mfa(&store, &clock)];
    let enrolment = servers[0].register_user("ada", ATTEMPT, "ada").await.unwrap();
    let first = code(&app(&enrolment), &clock, 0);
    let confirmed = fifty(servers.clone(), |server| {
        let (challenge, first) = (enrolment.challenge.clone(), first.clone());
        async move { server.confirm_totp("ada", ATTEMPT, &challenge, &first, "Phone").await.unwrap().is_some() }
    });
    assert_eq!(confirmed.await, 1);
    assert_eq!(servers[0].factors("ada").await.unwrap().len(), 1);
}

async fn every_app_has_its_own_codes(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let (phone, first) = enrol(&mfa, &clock, "ada", "Phone").await;
    clock.advance(TimeDelta::seconds(1));
    let (tablet, second) = enrol(&mfa, &clock, "ada", "Tablet").await;
    let (others, _) = enrol(&mfa, &clock, "eve", "Phone").await;
    assert_ne!(phone.base32(), tablet.base32());
    assert_eq!(mfa.factors("ada").await.unwrap(), [first.clone(), second]);
    clock.advance(STEP);
    assert!(!mfa.verify_code("ada", &code(&others, &clock, 0)).await.unwrap());
    for app in [&tablet, &phone] {
        assert!(mfa.verify_code("ada", &code(app, &clock, 0)).await.unwrap());
        assert!(!mfa.verify_code("ada", &code(app, &clock, 0)).await.unwrap());
    }
    clock.advance(STEP);
    mfa.remove("ada", &first.id).await.unwrap().unwrap();
    assert!(!mfa.verify_code("ada", &code(&phone, &clock, 0)).await.unwrap());
    assert!(mfa.verify_code("ada", &code(&tablet, &clock, 0)).await.unwrap());
}

async fn secrets_move_to_the_newest_key(store: DynRecordStore, clock: ManualClock) {
    const NEW: &str = "mnbvcxzlkjhgfdsapoiuytrewq9876543210";
    let (app, _) = enrol(&mfa(&store, &clock), &clock, "ada", "Phone").await;
    let (unused, _) = enrol(&mfa(&store, &clock), &clock, "eve", "Phone").await;
    let new = || SecretKey::new(NEW).unwrap();
    let verify = async |mfa: MFAAuthentication, user, app| {
        clock.advance(STEP);
        mfa.verify_code(user, &code(app, &clock, 0)).await
    };
    let both = || with_secret(&store, &clock, new().with_fallback(SECRET).unwrap());
    assert!(matches!(verify(with_secret(&store, &clock, new()), "ada", &app).await, Err(MfaError::Damaged)));
    assert!(verify(both(), "ada", &app).await.unwrap());
    assert!(verify(with_secret(&store, &clock, new()), "ada", &app).await.unwrap());
    // Whoever did not log in while both were known has lost the app, and is told no lie.
    assert!(matches!(verify(with_secret(&store, &clock, new()), "eve", &unused).await, Err(MfaError::Damaged)));
}

async fn nothing_secret_is_kept(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada@example.org").await.unwrap();
    let app = app(&enrolment);
    let base32 = enrolment.secret.expose();
    let bytes = base32_bytes(base32);
    assert_eq!((base32.len(), bytes.len()), (32, 20), "160 bits");
    let shown = format!("{enrolment:?} {app:?} {mfa:?} {:?}", FactorProof::totp("123456"));
    assert!(shown.contains(&enrolment.challenge) && !shown.contains("123456"), "{shown}");
    let list = format!("{bytes:?}").replace(' ', "");
    let secrets = [
        base32.to_owned(),
        base32.to_lowercase(),
        list[1..list.len() - 1].to_owned(),
        bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
        Base64::encode_string(&bytes),
        Base64UrlUnpadded::encode_string(&bytes),
    ];
    let hidden = |text: &str, record: &[u8]| {
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
        assert!(!record.windows(bytes.len()).any(|window| window == bytes));
    };
    hidden(&shown, &[]);
    for (_, record, text) in kept(&store, CHALLENGE, "ada").await {
        hidden(&text, &record.value);
        assert!(!text.contains(ATTEMPT));
    }
    let first = code(&app, &clock, 0);
    mfa.confirm_totp("ada", ATTEMPT, &enrolment.challenge, &first, "Phone").await.unwrap().unwrap();
    let records = kept(&store, FACTOR, "ada").await;
    assert_eq!(records.len(), 1);
    hidden(&records[0].2, &records[0].1.value);
    hidden(&format!("{:?}", mfa.factors("ada").await.unwrap()), &[]);
}

/// By Python's rules: no code of this crate.
fn base32_bytes(text: &str) -> Vec<u8> {
    let value = |digit: u8| if digit.is_ascii_uppercase() { digit - b'A' } else { digit - b'2' + 26 };
    let bits: Vec<_> = text.bytes().flat_map(|digit| (0..5).rev().map(move |bit| value(digit) >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

async fn a_secret_opens_for_its_own_app_only(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let (app, factor) = enrol(&mfa, &clock, "ada", "Phone").await;
    let (evil, evils) = enrol(&mfa, &clock, "eve", "Phone").await;
    clock.advance(STEP);
    // Eve writes the record of her own app over Ada's, in the store.
    let sealed =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["data"]["secret"].as_str().unwrap().to_owned();
    let [(.., adas)] = kept(&store, FACTOR, "ada").await.try_into().unwrap();
    let [(_, record, eves)] = kept(&store, FACTOR, "eve").await.try_into().unwrap();
    let copied = eves.replace(&sealed(&eves), &sealed(&adas)).into_bytes();
    let write =
        |user: &str, value: Vec<u8>| NewRecord { owner: Some(user.into()), value, expires_at: record.expires_at };
    assert!(store.insert(FACTOR, "0123456789abcdef0123456789abcdef", write("ada", eves.clone().into())).await.unwrap());
    assert!(store.take(FACTOR, &evils.id).await.unwrap().is_some());
    assert!(store.insert(FACTOR, &evils.id, write("eve", copied)).await.unwrap());
    assert!(matches!(mfa.verify_code("eve", &code(&app, &clock, 0)).await, Err(MfaError::Damaged)));
    // Ada's own app works beside the one that cannot be read, and a wrong code is one.
    assert!(!mfa.verify_code("ada", &code(&evil, &clock, 0)).await.unwrap());
    assert!(!mfa.verify_code("ada", &wrong(&app, &clock)).await.unwrap());
    assert!(mfa.verify_code("ada", &code(&app, &clock, 0)).await.unwrap());
    mfa.remove("ada", &factor.id).await.unwrap().unwrap();
    assert!(matches!(mfa.verify_code("ada", "123456").await, Err(MfaError::Damaged)));
}

#[tokio::test]
async fn when_the_store_fails_no_code_is_right() {
    let (store, _keep) = broken().await;
    let mfa = mfa(&store, &ManualClock::new());
    assert!(matches!(mfa.verify_code("ada", "123456").await, Err(MfaError::Store(_))));
    assert!(matches!(mfa.verify("ada", "login", &FactorProof::totp("123456")).await, Err(MfaError::Store(_))));
    assert!(matches!(mfa.required("ada").await, Err(MfaError::Store(_))));
    assert!(matches!(mfa.register_user("ada", ATTEMPT, "ada").await, Err(MfaError::Store(_))));
    let confirmed = mfa.confirm_totp("ada", ATTEMPT, "0123456789abcdef0123456789abcdef", "123456", "Phone");
    assert!(matches!(confirmed.await, Err(MfaError::Store(_))));
    // What is no code is not looked up.
    for text in ["", "12345", "123456789", "12345a", "123-456", "１２３４５６", &" ".repeat(1000)] {
        assert!(!mfa.verify_code("ada", text).await.unwrap(), "{text:?}");
    }
}

#[tokio::test]
async fn an_app_stays_as_it_was_enrolled() {
    let (store, clock, ()) = memory();
    let six = mfa(&store, &clock);
    let (app, _) = enrol(&six, &clock, "ada", "Phone").await;
    let eight = six.clone().with_totp(TotpConfig::default().with_digits(8).unwrap().with_time_step(60).unwrap());
    clock.advance(STEP);
    assert!(eight.verify_code("ada", &code(&app, &clock, 0)).await.unwrap());
    let url = eight.register_user("ada", ATTEMPT, "ada").await.unwrap().url;
    assert!(url.expose().ends_with("&algorithm=SHA1&digits=8&period=60"), "{}", url.expose());
}

#[tokio::test]
async fn one_in_memory_needs_nothing() {
    let mfa = MFAAuthentication::new("MyApp");
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
    let now = auth::clock::SystemClock.now();
    let first = app(&enrolment).code_at(now);
    assert!(!mfa.verify_code("ada", first.expose()).await.unwrap());
    assert!(mfa.confirm_totp("ada", ATTEMPT, &enrolment.challenge, first.expose(), "Phone").await.unwrap().is_some());
    assert!(!mfa.verify_code("ada", first.expose()).await.unwrap());
    let next = app(&enrolment).code_at(now + STEP);
    assert!(mfa.verify_code("ada", next.expose()).await.unwrap());
}
