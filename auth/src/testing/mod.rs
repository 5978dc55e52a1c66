//! For tests of what builds on this crate: a clock to set, and what every implementation of a trait must hold to.
//!
//! Each suite has one function for each promise of its trait, and a macro that makes one named test of each. The
//! tests run with `#[tokio::test]` of the crate that calls the macro (tokio's features `macros` and
//! `rt-multi-thread`).
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]
#![expect(clippy::missing_panics_doc, reason = "and so does each of its functions")]

pub mod cache;
mod clock;
pub mod limit_store;
#[cfg(feature = "oauth2-provider")]
pub mod oauth2_token_store;
pub mod password_hasher;
pub mod record_store;
pub mod refresh_token_store;
pub mod session_backend;
pub mod session_scan;
pub mod token_blacklist;
mod user;
pub mod user_sessions;
pub mod user_store;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

pub use clock::ManualClock;
pub use user::TestUser;

/// One test of each function of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite {
    (await $fixture:expr, $suite:ident: $($test:ident),* $(,)?) => {{
        let fixture = $fixture;
        $( $crate::testing::$suite::$test(fixture().await).await; )*
    }};
    ([$($attribute:tt)*] $fixture:path, $suite:ident: $($test:ident),* $(,)?) => {
        $crate::__suite! { @each [$($attribute)*] [$fixture] $suite $($test)* }
    };
    (@each $attributes:tt $fixture:tt $suite:ident $($test:ident)*) => {
        $( $crate::__suite! { @one $attributes $fixture $suite $test } )*
    };
    (@one [$($attribute:tt)*] [$fixture:path] $suite:ident $test:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attribute)*
        async fn $test() {
            $crate::testing::$suite::$test($fixture().await).await;
        }
    };
}

/// Runs all of them at once, in one task; gives their results in their order.
async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    let all = poll_fn(|context| {
        let mut pending = false;
        for (future, result) in &mut futures {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *result = Some(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    });
    let all: Pin<&mut _> = pin!(all);
    all.await;
    futures.into_iter().filter_map(|(_, result)| result).collect()
}
