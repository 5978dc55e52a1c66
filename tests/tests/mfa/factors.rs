//! The list of a user's factors, on every kind of store.

use auth::mfa::{FactorKind, MfaError};
use auth::records::{DynRecordStore, NewRecord};
use auth::testing::ManualClock;
use chrono::TimeDelta;

use crate::fixture::{ATTEMPT, FACTOR, app, code, enrol, kept, mfa};
use crate::records::{memory, tests_on_every_store};

tests_on_every_store!(a_factor_gets_another_name, a_factor_is_removed, a_code_is_used_while_the_factor_is_renamed);

async fn a_factor_gets_another_name(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let (app, factor) = enrol(&mfa, &clock, "ada", "Phone").await;
    assert!(mfa.rename("ada", &factor.id, " Old phone ").await.unwrap());
    let renamed = mfa.factors("ada").await.unwrap();
    assert_eq!((renamed.len(), &*renamed[0].name, &renamed[0].id), (1, "Old phone", &factor.id));
    assert_eq!(renamed[0].created_at, factor.created_at);
    for name in ["", " ", "a\u{0}b", "a\tb", &"é".repeat(65)] {
        assert!(matches!(mfa.rename("ada", &factor.id, name).await, Err(MfaError::Invalid(_))), "{name:?}");
    }
    assert!(mfa.rename("ada", &factor.id, &"é".repeat(64)).await.unwrap());
    for (user, id) in [("eve", &*factor.id), ("ada", "nothing"), ("ada", ""), ("", &*factor.id)] {
        assert!(!mfa.rename(user, id, "Mine").await.unwrap());
    }
    clock.advance(TimeDelta::seconds(30));
    assert!(mfa.verify_code("ada", &code(&app, &clock, 0)).await.unwrap());
}

async fn a_factor_is_removed(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let (_, phone) = enrol(&mfa, &clock, "ada", "Phone").await;
    let (_, tablet) = enrol(&mfa, &clock, "ada", "Tablet").await;
    mfa.generate_recovery_codes("ada").await.unwrap();
    enrol(&mfa, &clock, "eve", "Phone").await;
    for (user, id) in [("eve", &*phone.id), ("ada", "nothing"), ("ada", ""), ("", &*phone.id)] {
        assert_eq!(mfa.remove(user, id).await.unwrap(), None);
    }
    assert_eq!(mfa.remove("ada", &phone.id).await.unwrap().unwrap().id, phone.id);
    assert_eq!(mfa.remove("ada", &phone.id).await.unwrap(), None);
    assert_eq!(mfa.required("ada").await.unwrap(), [FactorKind::Totp, FactorKind::RecoveryCodes]);
    // The codes go with the last factor that they stand in for, and nothing goes of others.
    assert!(mfa.remove("ada", &tablet.id).await.unwrap().is_some());
    assert!(mfa.factors("ada").await.unwrap().is_empty());
    assert_eq!(mfa.remaining_recovery_codes("ada").await.unwrap(), 0);
    assert_eq!(mfa.factors("eve").await.unwrap().len(), 1);

    enrol(&mfa, &clock, "ada", "Phone").await;
    mfa.generate_recovery_codes("ada").await.unwrap();
    let set = mfa.factors("ada").await.unwrap().into_iter().find(|one| one.kind == FactorKind::RecoveryCodes).unwrap();
    assert_eq!(mfa.remove("ada", &set.id).await.unwrap(), Some(set));
    assert_eq!(mfa.required("ada").await.unwrap(), [FactorKind::Totp]);
    mfa.generate_recovery_codes("ada").await.unwrap();
    assert_eq!(mfa.reset("ada").await.unwrap(), 2);
    assert!(mfa.required("ada").await.unwrap().is_empty());
    assert_eq!(mfa.reset("ada").await.unwrap(), 0);
    assert_eq!(mfa.required("eve").await.unwrap(), [FactorKind::Totp]);
}

/// Neither loses what the other writes.
async fn a_code_is_used_while_the_factor_is_renamed(store: DynRecordStore, clock: ManualClock) {
    let mfa = mfa(&store, &clock);
    let (app, factor) = enrol(&mfa, &clock, "ada", "Phone").await;
    for round in 0..5 {
        clock.advance(TimeDelta::seconds(30));
        let (name, given) = (format!("Phone {round}"), code(&app, &clock, 0));
        let (used, renamed) = tokio::join!(mfa.verify_code("ada", &given), mfa.rename("ada", &factor.id, &name));
        assert!(used.unwrap() && renamed.unwrap());
        assert_eq!(mfa.factors("ada").await.unwrap()[0].name, name);
        assert!(!mfa.verify_code("ada", &given).await.unwrap());
    }
}

#[tokio::test]
async fn a_user_has_twenty_at_the_most() {
    let (store, clock, ()) = memory();
    let mfa = mfa(&store, &clock);
    let late = mfa.register_user("ada", "session 2", "ada").await.unwrap();
    for number in 1..=20 {
        enrol(&mfa, &clock, "ada", &number.to_string()).await;
    }
    assert!(matches!(mfa.register_user("ada", ATTEMPT, "ada").await, Err(MfaError::TooMany { max: 20 })));
    let right = code(&app(&late), &clock, 0);
    let confirmed = mfa.confirm_totp("ada", "session 2", &late.challenge, &right, "21").await;
    assert!(matches!(confirmed, Err(MfaError::TooMany { max: 20 })));
    assert!(mfa.register_user("eve", ATTEMPT, "eve").await.is_ok());
    // That keeps nobody from having recovery codes.
    assert_eq!(mfa.generate_recovery_codes("ada").await.unwrap().len(), 10);
}

/// Nobody knows whether a second factor is required: nobody is let in.
#[tokio::test]
async fn what_cannot_be_read_is_no_welcome() {
    let (store, clock, ()) = memory();
    let mfa = mfa(&store, &clock);
    enrol(&mfa, &clock, "ada", "Phone").await;
    let [(id, record, text)] = kept(&store, FACTOR, "ada").await.try_into().unwrap();
    for damage in ["", "{}", &text[1..], &text.replace("\"totp\"", "\"telepathy\"")] {
        store.take(FACTOR, &id).await.unwrap().unwrap();
        let value = NewRecord { owner: record.owner.clone(), value: damage.into(), expires_at: record.expires_at };
        assert!(store.insert(FACTOR, &id, value).await.unwrap());
        assert!(matches!(mfa.required("ada").await, Err(MfaError::Damaged)));
        assert!(matches!(mfa.verify_code("ada", "123456").await, Err(MfaError::Damaged)));
        assert!(matches!(mfa.factors("ada").await, Err(MfaError::Damaged)));
    }
    for damage in [
        text.replace("\"time_step\":30", "\"time_step\":0"),
        text.replace("\"digits\":6", "\"digits\":1"),
        text.replace("\"SHA1\"", "\"MD5\""),
        text.replace("\"secret\":\"", "\"secret\":\"A"),
    ] {
        assert_ne!(damage, text);
        store.take(FACTOR, &id).await.unwrap().unwrap();
        let value = NewRecord { owner: record.owner.clone(), value: damage.into(), expires_at: record.expires_at };
        assert!(store.insert(FACTOR, &id, value).await.unwrap());
        assert!(matches!(mfa.verify_code("ada", "123456").await, Err(MfaError::Damaged)));
        assert_eq!(mfa.required("ada").await.unwrap(), [FactorKind::Totp]);
    }
}
