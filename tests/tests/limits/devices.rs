//! Devices that an account is known at.

use std::sync::Arc;
use std::time::Duration;

use auth::limits::KnownDevices;
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

const SECRET: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";

fn known() -> (KnownDevices, ManualClock) {
    let clock = ManualClock::new();
    (KnownDevices::new(&SecretKey::new(SECRET).unwrap(), Arc::new(clock.clone())), clock)
}

#[test]
fn a_device_is_known_for_its_account_until_its_token_expires() {
    let (devices, clock) = known();
    let token = devices.issue("7");
    let id = devices.recognise("7", token.expose()).unwrap();
    assert_eq!(devices.recognise("7", token.expose()), Some(id.clone()));
    assert_eq!(devices.recognise("8", token.expose()), None);
    assert_eq!(devices.recognise("", token.expose()), None);
    clock.advance(TimeDelta::from_std(KnownDevices::LIFETIME).unwrap() - TimeDelta::seconds(1));
    assert_eq!(devices.recognise("7", token.expose()), Some(id));
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(devices.recognise("7", token.expose()), None);
}

#[test]
fn each_token_is_another_device_and_fit_for_a_cookie() {
    let (devices, _) = known();
    let tokens = [devices.issue("7"), devices.issue("7")];
    let ids = tokens.each_ref().map(|token| devices.recognise("7", token.expose()).unwrap());
    assert_ne!(ids[0], ids[1]);
    for (token, id) in tokens.iter().zip(&ids) {
        let text = token.expose();
        assert_eq!(text.len(), 75);
        assert!(text.starts_with("v1."), "{text}");
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{text}");
        // 128 random bits.
        assert_eq!(id.len(), 22);
        assert!(!format!("{token:?} {devices:?}").contains(id));
    }
}

#[test]
fn what_another_secret_or_purpose_made_is_unknown() {
    let (devices, clock) = known();
    let secret = SecretKey::new(SECRET).unwrap();
    let other = KnownDevices::new(&SecretKey::random(), Arc::new(clock.clone()));
    assert_eq!(devices.recognise("7", other.issue("7").expose()), None);
    assert_eq!(other.recognise("7", devices.issue("7").expose()), None);
    let renewed = SecretKey::random().with_fallback(SECRET).unwrap();
    let renewed = KnownDevices::new(&renewed, Arc::new(clock));
    assert!(renewed.recognise("7", devices.issue("7").expose()).is_some());
    let tag = secret.derive("another purpose").sign(&[b"7", &[0; 16], &[0xff; 6]]);
    let forged = [&[0; 16][..], &[0xff; 6], &tag].concat();
    let forged = format!("v1.{}", <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(&forged));
    assert_eq!(forged.len(), 75);
    assert_eq!(devices.recognise("7", &forged), None);
}

#[test]
fn lifetimes_and_clocks_at_their_ends_do_no_harm() {
    let (devices, clock) = known();
    let for_ever = devices.clone().with_lifetime(Duration::MAX);
    assert!(devices.recognise("7", for_ever.issue("7").expose()).is_some());
    let never = devices.clone().with_lifetime(Duration::ZERO);
    assert_eq!(devices.recognise("7", never.issue("7").expose()), None);
    for time in [DateTime::<Utc>::MIN_UTC + TimeDelta::days(1), DateTime::<Utc>::MAX_UTC - TimeDelta::days(1)] {
        clock.set(time);
        assert!(devices.recognise("7", devices.issue("7").expose()).is_some());
    }
}

proptest! {
    #[test]
    fn no_text_but_the_token_is_known(text in "\\PC{0,90}", of_its_form in "v1\\.[A-Za-z0-9_-]{72}") {
        let (devices, _) = known();
        prop_assert_eq!(devices.recognise("7", &text), None);
        prop_assert_eq!(devices.recognise("7", &of_its_form), None);
    }

    #[test]
    fn a_token_has_one_spelling_for_one_account(
        account in "\\PC{0,20}",
        other in "\\PC{0,20}",
        at in 0..75_usize,
        with in "[A-Za-z0-9_.=+/ -]",
        long in "\\PC{1,9}",
    ) {
        let (devices, _) = known();
        let token = devices.issue(&account);
        let text = token.expose();
        prop_assert!(devices.recognise(&account, text).is_some());
        prop_assert_eq!(devices.recognise(&other, text).is_some(), account == other);
        let mut changed = text.to_owned();
        changed.replace_range(at..=at, &with);
        prop_assert_eq!(devices.recognise(&account, &changed).is_some(), changed == text);
        prop_assert_eq!(devices.recognise(&account, &text[..at]), None);
        prop_assert_eq!(devices.recognise(&account, &[text, &long].concat()), None);
    }
}
