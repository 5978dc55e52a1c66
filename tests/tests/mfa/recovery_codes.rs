//! Recovery codes, on every kind of store.

use std::collections::HashSet;

use auth::clock::Clock as _;
use auth::mfa::{AuthMethods, FactorKind, FactorProof, MfaError};
use auth::records::DynRecordStore;
use auth::secret::{SecretKey, SecretString};
use auth::testing::ManualClock;
use chrono::TimeDelta;

use crate::fixture::{FACTOR, enrol, fifty, kept, mfa, with_secret};
use crate::records::{broken, tests_on_every_store};

tests_on_every_store!(
    each_is_taken_once,
    a_new_set_voids_the_old_one,
    of_fifty_on_two_servers_one_is_taken,
    all_at_once_each_is_taken,
    two_sets_made_at_once_are_one,
    alone_they_are_no_second_factor,
    nothing_secret_is_kept,
);

async fn each_is_taken_once(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    assert_eq!(mfa.remaining_recovery_codes("ada").await.unwrap(), 0);
    enrol(&mfa, &clock, "ada", "Phone").await;
    enrol(&mfa, &clock, "eve", "Phone").await;
    let codes = mfa.generate_recovery_codes("ada").await.unwrap();
    mfa.generate_recovery_codes("eve").await.unwrap();
    assert_eq!(mfa.required("ada").await.unwrap(), [FactorKind::Totp, FactorKind::RecoveryCodes]);
    assert_eq!(codes.len(), 10);
    assert_eq!(codes.iter().map(SecretString::expose).collect::<HashSet<_>>().len(), 10);
    for (left, code) in (0..10).rev().zip(&codes) {
        let proof = FactorProof::recovery_code(code.expose());
        assert_eq!(mfa.verify("eve", "login", &proof).await.unwrap(), None);
        assert_eq!(mfa.verify("ada", "login", &FactorProof::totp(code.expose())).await.unwrap(), None);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(mfa.verify("ada", "login", &proof).await.unwrap(), Some(AuthMethods::RECOVERY_CODE));
        assert_eq!(mfa.verify("ada", "login", &proof).await.unwrap(), None);
        assert_eq!(mfa.remaining_recovery_codes("ada").await.unwrap(), left);
        let factors = mfa.factors("ada").await.unwrap();
        let set = factors.iter().find(|factor| factor.kind == FactorKind::RecoveryCodes).unwrap();
        assert_eq!(set.last_used_at, Some(clock.now()));
    }
    assert_eq!(mfa.remaining_recovery_codes("eve").await.unwrap(), 10);
}

async fn a_new_set_voids_the_old_one(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let old = mfa.generate_recovery_codes("ada").await.unwrap();
    assert!(mfa.verify_recovery_code("ada", old[0].expose()).await.unwrap());
    let new = mfa.generate_recovery_codes("ada").await.unwrap();
    for code in &old {
        assert!(!mfa.verify_recovery_code("ada", code.expose()).await.unwrap());
    }
    assert_eq!(mfa.remaining_recovery_codes("ada").await.unwrap(), 10);
    // They need no key: they outlive the application's secret.
    let renewed = with_secret(&store, &clock, SecretKey::random());
    assert!(renewed.verify_recovery_code("ada", new[9].expose()).await.unwrap());
    assert_eq!(mfa.factors("ada").await.unwrap().len(), 2);
}

async fn of_fifty_on_two_servers_one_is_taken(store: DynRecordStore, clock: ManualClock) {
    let servers = [mfa(&store, &clock), mfa(&store, &clock)];
    enrol(&servers[0], &clock, "ada", "Phone").await;
    for code in &servers[0].generate_recovery_codes("ada").await.unwrap()[..3] {
        let taken = fifty(servers.clone(), |server| {
            let code = code.clone();
            async move { server.verify_recovery_code("ada", code.expose()).await.unwrap() }
        });
        assert_eq!(taken.await, 1);
    }
    assert_eq!(servers[1].remaining_recovery_codes("ada").await.unwrap(), 7);
}

async fn all_at_once_each_is_taken(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let mut all = tokio::task::JoinSet::new();
    for code in mfa.generate_recovery_codes("ada").await.unwrap() {
        let mfa = mfa.clone();
        all.spawn(async move { mfa.verify_recovery_code("ada", code.expose()).await.unwrap() });
    }
    assert_eq!(all.join_all().await, [true; 10]);
    assert_eq!(mfa.remaining_recovery_codes("ada").await.unwrap(), 0);
}

async fn two_sets_made_at_once_are_one(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let (one, other) = tokio::join!(mfa.generate_recovery_codes("ada"), mfa.generate_recovery_codes("ada"));
    let mut right = 0;
    for code in [one.unwrap(), other.unwrap()].concat() {
        right += usize::from(mfa.verify_recovery_code("ada", code.expose()).await.unwrap());
    }
    assert_eq!((right, mfa.factors("ada").await.unwrap().len()), (10, 2));
}

async fn alone_they_are_no_second_factor(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    assert!(matches!(mfa.generate_recovery_codes("ada").await, Err(MfaError::Invalid(_))));
    let (_, phone) = enrol(&mfa, &clock, "ada", "Phone").await;
    let (_, tablet) = enrol(&mfa, &clock, "ada", "Tablet").await;
    let codes = mfa.generate_recovery_codes("ada").await.unwrap();
    mfa.remove("ada", &phone.id).await.unwrap().unwrap();
    assert!(mfa.verify_recovery_code("ada", codes[0].expose()).await.unwrap());
    // Somebody takes the last factor from the store, and the codes stay: they count no more.
    store.take(FACTOR, &tablet.id).await.unwrap().unwrap();
    assert!(!mfa.verify_recovery_code("ada", codes[1].expose()).await.unwrap());
    assert!(mfa.required("ada").await.unwrap().is_empty());
}

async fn nothing_secret_is_kept(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let codes = mfa.generate_recovery_codes("ada").await.unwrap();
    let records = kept(&store, FACTOR, "ada").await;
    let shown = format!("{codes:?} {:?} {:?}", mfa.factors("ada").await, FactorProof::recovery_code(codes[0].expose()));
    for code in &codes {
        let plain = code.expose().replace('-', "");
        for text in records.iter().map(|(.., text)| text).chain([&shown]) {
            assert!(!text.contains(code.expose()) && !text.contains(&plain), "{text}");
            assert!(!code.expose().split('-').any(|group| text.contains(&format!("{group}-"))), "{text}");
        }
    }
}

#[tokio::test]
async fn they_are_read_as_people_type_them() {
    let (store, clock, ()) = crate::records::memory();
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let typed: [fn(&str) -> String; 8] = [
        str::to_owned,
        str::to_uppercase,
        |code| code.replace('-', ""),
        |code| code.replace('-', " "),
        |code| format!("  {}  ", code.replace('-', " - ")),
        |code| code.replace('0', "o").replace('1', "l"),
        |code| code.replace('0', "O").replace('1', "I"),
        |code| code.replace('0', "O").replace('1', "i").to_uppercase(),
    ];
    for _ in 0..5 {
        for (code, typed) in mfa.generate_recovery_codes("ada").await.unwrap().iter().zip(typed) {
            let text = code.expose();
            assert_eq!(text.len(), 29, "six groups of four");
            assert!(text.split('-').all(|group| group.len() == 4) && !text.contains(['i', 'l', 'o', 'u']), "{text}");
            assert!(mfa.verify_recovery_code("ada", &typed(text)).await.unwrap(), "{text}");
        }
    }
    for code in mfa.generate_recovery_codes("ada").await.unwrap() {
        let text = code.expose();
        for wrong in [&text[1..], &text[..28], &format!("{text}0"), &format!("{text}\n"), &text.replace('-', "_"), ""] {
            assert!(!mfa.verify_recovery_code("ada", wrong).await.unwrap(), "{wrong}");
        }
    }
}

#[tokio::test]
async fn when_the_store_fails_no_code_is_right() {
    let (store, _keep) = broken().await;
    let mfa = mfa(&store, &ManualClock::new());
    let right = "0000-0000-0000-0000-0000-0000";
    assert!(matches!(mfa.verify_recovery_code("ada", right).await, Err(MfaError::Store(_))));
    assert!(matches!(mfa.remaining_recovery_codes("ada").await, Err(MfaError::Store(_))));
    assert!(matches!(mfa.generate_recovery_codes("ada").await, Err(MfaError::Store(_))));
    // What is no code is not looked up.
    for text in
        ["", "0000", &right.replace('0', "u"), &right.replace('0', "é"), &format!("{right}{}", " ".repeat(1000))]
    {
        assert!(!mfa.verify_recovery_code("ada", text).await.unwrap(), "{text}");
    }
}
