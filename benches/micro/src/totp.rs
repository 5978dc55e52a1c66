//! The code an authenticator app shows, and the check of one typed in (RFC 6238).

use std::hint::black_box;

use auth::mfa::{Totp, TotpConfig};
use chrono::DateTime;

use timing::{Bench, Figure};

const SECRET: [u8; 20] = [7; 20];
const NOW: i64 = 1_700_000_000;

pub fn run(bench: &Bench) {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let seconds = u64::try_from(NOW).unwrap();
    let ours = || Totp::new(&SECRET, TotpConfig::default());
    let theirs = || totp_rs::Builder::new().with_secret(totp_rs::Secret::new_stack(SECRET)).build().unwrap();
    // The step before: both look at it, at now and at the next.
    let code = ours().code_at(DateTime::from_timestamp(NOW - 30, 0).unwrap()).expose().to_owned();
    assert!(ours().step_of(&code, now, None).is_some() && theirs().check(&code, seconds).is_some());

    let (auth, peer) = (ours(), theirs());
    bench.run(
        Figure::new("totp: make a code")
            .add("auth", move || auth.code_at(black_box(now)))
            .add("totp-rs", move || peer.generate(black_box(seconds))),
    );
    let (auth, peer, typed) = (ours(), theirs(), code.clone());
    bench.run(
        Figure::new("totp: check a code of the step before")
            .add("auth", move || auth.step_of(black_box(&typed), now, None))
            .add("totp-rs", move || peer.check(black_box(&code), seconds)),
    );
}
