//! Programs that others wrote make the same codes: `oathtool`, and `pyotp`, which `tests/interop/install.sh` installs.

use std::process::Command;

use auth::clock::Clock as _;
use auth::mfa::{MFAAuthentication, Totp, TotpAlgorithm, TotpConfig};
use auth::testing::ManualClock;
use auth_tests::Peer;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::fixture::{ATTEMPT, mfa};
use crate::records::memory;

/// The first of 1970, 2005, 2026 with and without a step's end, 2033, and after 2038.
const MOMENTS: [i64; 7] =
    [0, 1_111_111_109, 1_767_225_599, 1_767_225_600, 1_767_225_629, 2_000_000_000, 20_000_000_000];

fn configs() -> impl Iterator<Item = TotpConfig> {
    let algorithms = [TotpAlgorithm::Sha1, TotpAlgorithm::Sha256, TotpAlgorithm::Sha512];
    let config = |algorithm| TotpConfig::default().with_algorithm(algorithm);
    algorithms.into_iter().flat_map(move |algorithm| {
        [(6, 30), (8, 30), (6, 60)].map(|(digits, step)| {
            config(algorithm).with_digits(digits).and_then(|config| config.with_time_step(step)).unwrap()
        })
    })
}

/// Their codes for the next login are right, at each moment, and ours are theirs.
async fn agree(theirs: impl Fn(&Totp, &[DateTime<Utc>]) -> Vec<String>) {
    for config in configs() {
        let (store, clock, ()) = memory();
        let mfa = mfa(&store, &clock).with_totp(config);
        let (start, app) = (clock.now(), enrolled(&mfa, &clock, config).await);
        let mut moments: Vec<_> = MOMENTS.map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap()).into();
        moments.extend((1..=3).map(|login| start + TimeDelta::minutes(90) * login));
        moments.sort();
        let codes = theirs(&app, &moments);
        let ours: Vec<_> = moments.iter().map(|moment| app.code_at(*moment).expose().to_owned()).collect();
        assert_eq!(codes, ours, "{config:?}");
        for (moment, code) in moments.iter().zip(&codes) {
            clock.set(*moment);
            let is_later = *moment > start;
            assert_eq!(mfa.verify_code("ada", code).await.unwrap(), is_later, "{config:?} {moment}");
            assert!(!mfa.verify_code("ada", code).await.unwrap(), "{config:?} {moment}");
        }
    }
}

/// An app that knows no more than the secret that was shown.
async fn enrolled(mfa: &MFAAuthentication, clock: &ManualClock, config: TotpConfig) -> Totp {
    let enrolment = mfa.register_user("ada", ATTEMPT, "ada").await.unwrap();
    let app = Totp::from_base32(enrolment.secret.expose(), config).unwrap();
    let first = app.code_at(clock.now());
    mfa.confirm_totp("ada", ATTEMPT, &enrolment.challenge, first.expose(), "Phone").await.unwrap().unwrap();
    app
}

fn oathtool(app: &Totp, moment: DateTime<Utc>, more: &[&str]) -> Option<String> {
    let config = app.config();
    let output = Command::new("oathtool")
        .arg(format!("--totp={}", config.algorithm().name()))
        .args(["-b", app.base32().expose(), "-d", &config.digits().to_string()])
        .args(["-s", &format!("{}s", config.time_step())])
        .args(["--now", &moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()])
        .args(more)
        .output()
        .expect("oathtool is there");
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

#[tokio::test]
#[ignore = "needs oathtool"]
async fn oathtool_agrees() {
    agree(|app, moments| {
        let code = |moment: &DateTime<Utc>| {
            // It checks ours, a step late too, and refuses another.
            let ours = app.code_at(*moment);
            assert_eq!(oathtool(app, *moment, &[ours.expose()]).unwrap(), "0");
            let late = *moment + TimeDelta::seconds(app.config().time_step().into());
            assert_eq!(oathtool(app, late, &["-w", "1", ours.expose()]).unwrap(), "1");
            let other: String = ours.expose().chars().rev().map(|digit| if digit == '0' { '1' } else { '0' }).collect();
            assert_eq!(oathtool(app, *moment, &[&other]), None);
            oathtool(app, *moment, &[]).unwrap()
        };
        moments.iter().map(code).collect()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Python with pyotp"]
async fn pyotp_agrees() {
    let peer = Peer::python("totp.py");
    agree(|app, moments| {
        let config = app.config();
        let ours: Vec<_> = moments.iter().map(|moment| app.code_at(*moment).expose().to_owned()).collect();
        let moments: Vec<_> = moments.iter().map(DateTime::timestamp).collect();
        let task = json!({
            "do": "code", "secret": app.base32().expose(), "digits": config.digits(), "interval": config.time_step(),
            "algorithm": config.algorithm().name(), "moments": moments, "codes": ours,
        });
        let answer = peer.ask(&task).unwrap();
        assert_eq!(answer["verified"], json!(vec![true; moments.len()]));
        serde_json::from_value(answer["codes"].clone()).unwrap()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Python with pyotp"]
async fn pyotp_reads_our_urls() {
    for config in configs() {
        for (issuer, account) in [("My App", "ada@example.org"), ("Ærø & Søn?=#%", "Ada \"Countess\" <ada>/+ Ærø")]
        {
            let mfa = MFAAuthentication::new(issuer).with_totp(config);
            let enrolment = mfa.register_user("ada", ATTEMPT, account).await.unwrap();
            let task = json!({ "do": "read", "url": enrolment.url.expose() });
            let expected = json!({
                "secret": enrolment.secret.expose(), "name": account, "issuer": issuer, "digits": config.digits(),
                "interval": config.time_step(), "algorithm": config.algorithm().name().to_lowercase(),
            });
            assert_eq!(Peer::python("totp.py").ask(&task).unwrap(), expected);
        }
    }
}
