use std::future::ready;

use crate::BoxFuture;
use crate::audit::{AuditError, AuditEvent, AuditSink};

/// Tells `tracing`, under the target `auth::audit`: what succeeded as `INFO`, what failed as `WARN`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct TracingSink;

impl AuditSink for TracingSink {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        let AuditEvent { action, user, origin, .. } = event;
        let (name, details) = (action.name(), action.details());
        let (user, source, actor) = (user.as_deref(), &origin.source, origin.actor.as_deref());
        let user_agent = origin.user_agent.as_deref();
        if action.succeeded() {
            tracing::info!(target: "auth::audit", user, ?source, actor, user_agent, ?details, "{name}");
        } else {
            tracing::warn!(target: "auth::audit", user, ?source, actor, user_agent, ?details, "{name} failed");
        }
        Box::pin(ready(Ok(())))
    }
}
