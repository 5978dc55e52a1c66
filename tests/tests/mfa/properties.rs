//! Whatever comes in, nothing panics, and nothing but the code is right.

use auth::clock::Clock as _;
use auth::mfa::{FactorProof, MFAAuthentication, Totp, TotpAlgorithm, TotpConfig};
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;

use crate::fixture::{ATTEMPT, app, code, enrol, mfa};
use crate::records::memory;

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9 ]{0,40}", "[0-9a-zA-Z -]{20,40}", "\\PC{0,12}[0-9]{6}\\PC{0,3}"]
}

fn config() -> impl Strategy<Value = TotpConfig> {
    let algorithm = prop_oneof![Just(TotpAlgorithm::Sha1), Just(TotpAlgorithm::Sha256), Just(TotpAlgorithm::Sha512)];
    (algorithm, 6..=8_u8, 15..=300_u16, 0..=5_u8).prop_map(|(algorithm, digits, time_step, window)| {
        let config = TotpConfig::default().with_algorithm(algorithm).with_digits(digits).unwrap();
        config.with_time_step(time_step).unwrap().with_window(window).unwrap()
    })
}

proptest! {
    #[test]
    fn no_input_makes_verify_panic(
        text in typed(), user in "ada|eve|\\PC{0,9}", attempt in any::<String>(), challenge in any::<String>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, clock, ()) = memory();
            let mfa = mfa(&store, &clock);
            let (app, _) = enrol(&mfa, &clock, "ada", "Phone").await;
            let codes = mfa.generate_recovery_codes("ada").await.unwrap();
            clock.advance(TimeDelta::seconds(30));
            let digits: String = text.chars().filter(|character| *character != ' ').collect();
            let near = (-1..=1).any(|steps| code(&app, &clock, steps) == digits);
            for proof in [FactorProof::totp(text.as_str()), FactorProof::recovery_code(text.as_str())] {
                let verified = mfa.verify(&user, &attempt, &proof).await.unwrap();
                assert!(verified.is_none() || near, "{text:?}");
            }
            let _ = mfa.confirm_totp(&user, &attempt, &challenge, &text, &text).await;
            assert_eq!(codes.len(), 10);
        });
    }

    #[test]
    fn codes_are_read_back_whatever_the_secret(
        secret in proptest::collection::vec(any::<u8>(), 0..200), config in config(),
        seconds in -1_000..20_000_000_000_i64, last in any::<Option<u64>>(), text in typed(),
    ) {
        let (totp, now) = (Totp::new(&secret, config), DateTime::from_timestamp(seconds, 0).unwrap());
        let given = totp.code_at(now);
        prop_assert_eq!(given.expose().len(), usize::from(config.digits()));
        let step = totp.step_of(given.expose(), now, None).unwrap();
        prop_assert!(step.abs_diff(totp.step_at(now)) <= config.window().into());
        prop_assert!(totp.step_of(&text, now, last).is_none_or(|step| last.is_none_or(|last| step > last)));
        let again = Totp::from_base32(totp.base32().expose(), config).unwrap();
        prop_assert_eq!(again.code_at(now), given);
        Totp::from_base32(&text, config);
    }

    /// Whatever the names are, the URL is plain, names them and has no other parameters.
    #[test]
    fn no_name_breaks_out_of_the_url(issuer in "\\PC{0,30}", account in "\\PC{0,30}|.*") {
        let mfa = MFAAuthentication::new(&issuer);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let Ok(enrolment) = runtime.block_on(mfa.register_user("ada", ATTEMPT, &account)) else {
            prop_assert!(account.len() > 100);
            return Ok(());
        };
        let url = reqwest::Url::parse(enrolment.url.expose()).unwrap();
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        prop_assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
        prop_assert_eq!(url.query_pairs().nth(1).unwrap().1, issuer.replace(':', " "));
        prop_assert_eq!((url.scheme(), url.host_str(), url.fragment()), ("otpauth", Some("totp"), None));
        prop_assert_eq!(url.path().matches(':').count(), 1);
        prop_assert!(!url.path()[1..].contains('/') && enrolment.url.expose().is_ascii());
        let secret = app(&enrolment).base32();
        prop_assert_eq!(url.query_pairs().next().unwrap().1, secret.expose());
        prop_assert!(enrolment.expires_at > auth::clock::SystemClock.now());
    }
}
