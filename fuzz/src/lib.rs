//! What each fuzz target does with what comes from outside, and what must hold whatever that is. `README.md` lists them.
//!
//! A target is a function of bytes: `fuzz_targets/` gives it those of libFuzzer, the test below those of `seeds/`.

pub mod config;
pub mod jwt;
pub mod keys;
pub mod mfa;
pub mod names;
pub mod oauth2;
pub mod passwords;
pub mod providers;
pub mod records;
pub mod sessions;
pub mod web;
pub mod websocket;

use std::fmt::Debug;

use tokio::runtime::{Builder, Runtime};

/// Does work on this thread, by one runtime for all inputs.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime"));
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// The input as so many fields, a line each; what follows is the last one's. A field that is missing is empty.
fn lines<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let mut lines = std::str::from_utf8(data).ok()?.splitn(N, '\n');
    Some(std::array::from_fn(|_| lines.next().unwrap_or_default()))
}

/// Says what failed, if the result is none that the caller expects.
fn well<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("a store in memory does not fail: {error:?}"))
}

/// Replays what is known, without a fuzzer.
#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, run: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut count = 0;
        for seed in std::fs::read_dir(seeds).expect("every target has seeds") {
            let bytes = std::fs::read(seed.expect("a seed").path()).expect("a seed can be read");
            run(&bytes);
            // Also what was cut short.
            for part in 0..4 {
                run(&bytes[..bytes.len() * part / 4]);
            }
            count += 1;
        }
        assert!(count > 0, "{target} has no seeds");
    }

    macro_rules! targets {
        ($($target:ident),*) => { $(
            #[test]
            fn $target() {
                replay(stringify!($target), crate::$target::run);
            }
        )* };
    }

    targets!(config, jwt, keys, mfa, names, oauth2, passwords, providers, records, sessions, web, websocket);
}
