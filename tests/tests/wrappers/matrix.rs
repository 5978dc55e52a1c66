//! Any wrapper stands around any other, itself included.

use std::sync::Arc;

use auth::sessions::{
    CompressedSessionBackend, Compression, DynSessionBackend, InMemorySessionBackend, InstrumentedSessionBackend,
    LayeredSessionBackend, ListedSessionBackend, LoggerAnalytics, ReplicatedSessionBackend, SyncReplication,
    TenantSessionBackend, UserSessions,
};
use auth::testing::ManualClock;

use crate::memory;

fn compressed<B: UserSessions>(inner: B, _: &ManualClock) -> CompressedSessionBackend<B> {
    CompressedSessionBackend::new(inner, Compression::Zstd).with_threshold(0)
}

fn tenant<B: UserSessions>(inner: B, clock: &ManualClock) -> TenantSessionBackend<B> {
    TenantSessionBackend::new(inner, "acme").with_clock(Arc::new(clock.clone()))
}

fn instrumented<B: UserSessions>(inner: B, clock: &ManualClock) -> InstrumentedSessionBackend<B> {
    InstrumentedSessionBackend::new(inner, LoggerAnalytics).with_clock(Arc::new(clock.clone()))
}

fn listed<B: UserSessions>(inner: B, clock: &ManualClock) -> ListedSessionBackend<B> {
    ListedSessionBackend::new(inner).with_clock(Arc::new(clock.clone()))
}

fn layered<B: UserSessions>(inner: B, clock: &ManualClock) -> LayeredSessionBackend<B> {
    LayeredSessionBackend::new(inner).with_clock(Arc::new(clock.clone()))
}

fn replicated<B: UserSessions>(inner: B, clock: &ManualClock) -> ReplicatedSessionBackend<B> {
    let replica: DynSessionBackend = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    ReplicatedSessionBackend::new(inner, [replica], SyncReplication).expect("there is one")
}

macro_rules! matrix {
    ($($outer:ident),*) => { $(
        mod $outer {
            matrix! { @row $outer: compressed, tenant, instrumented, layered, listed, replicated }
        }
    )* };
    (@row $outer:ident: $($inner:ident),*) => { $(
        mod $inner {
            use super::super::*;

            async fn backend() -> (impl UserSessions, ManualClock, ()) {
                let (store, clock) = memory();
                (super::super::$outer(super::super::$inner(store, &clock), &clock), clock, ())
            }

            auth::session_backend_suite!(backend);
            auth::user_sessions_suite!(backend);
        }
    )* };
}

/// All of them, over files.
mod whole_stack {
    use auth::sessions::FileSessionBackend;
    use auth_tests::TestDirectory;

    use super::*;

    async fn backend() -> (impl UserSessions, ManualClock, TestDirectory) {
        let (clock, keep) = (ManualClock::new(), TestDirectory::new());
        let files = FileSessionBackend::open(keep.path().join("sessions")).await.expect("the directory can be made");
        let files =
            ListedSessionBackend::new(files.with_clock(Arc::new(clock.clone()))).with_clock(Arc::new(clock.clone()));
        let files = compressed(files, &clock);
        (instrumented(layered(tenant(replicated(files, &clock), &clock), &clock), &clock), clock, keep)
    }

    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(backend);
}

matrix!(compressed, tenant, instrumented, layered, listed, replicated);
