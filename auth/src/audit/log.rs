use std::fmt;
use std::sync::Arc;

use chrono::SubsecRound as _;

use super::event::bounded;
use super::{AuditAction, AuditEvent, Origin, TracingSink};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::report;

/// Why a sink did not take an event.
pub type AuditError = Box<dyn std::error::Error + Send + Sync>;

/// Takes events.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an audit sink",
    note = "implement `auth::audit::AuditSink` for `{Self}`"
)]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one.
    ///
    /// # Errors
    /// When it could not be kept; that is reported loudly, and the flow goes on.
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>>;
}

/// Tells every sink what happens. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Audit {
    sinks: Arc<[Arc<dyn AuditSink>]>,
    clock: Arc<dyn Clock>,
    /// Of what comes with nothing else said.
    origin: Arc<Origin>,
}

impl Audit {
    /// Tells `tracing` only, by the machine's clock.
    pub fn new() -> Self {
        Self { sinks: Arc::new([Arc::new(TracingSink)]), clock: Arc::new(SystemClock), origin: Arc::default() }
    }

    /// Also tells this sink.
    #[must_use]
    pub fn with_sink(self, sink: impl AuditSink) -> Self {
        let sinks = self.sinks.iter().cloned().chain([Arc::new(sink) as Arc<dyn AuditSink>]).collect();
        Self { sinks, ..self }
    }

    /// Goes by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same sinks, for what is done from there.
    #[must_use]
    pub fn from(&self, origin: Origin) -> Self {
        Self { origin: Arc::new(origin), ..self.clone() }
    }

    /// Tells every sink. One that fails is reported loudly and stops nothing.
    pub async fn record(&self, action: AuditAction, user: Option<&str>) {
        let event = AuditEvent {
            at: self.clock.now().trunc_subsecs(6),
            action: action.bounded(),
            user: user.map(bounded),
            origin: self.origin.bounded(),
        };
        // All are told before the first is waited for: whoever does not wait until the end has told every one that does not
        // wait for that itself.
        let told: Vec<_> = self.sinks.iter().map(|sink| sink.record(&event)).collect();
        for told in told {
            if let Err(error) = told.await {
                report::failed(&format!("the audit event {} was not kept", event.action.name()), &*error);
            }
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self::new()
    }
}
