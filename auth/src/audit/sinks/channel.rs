use std::future::ready;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::BoxFuture;
use crate::audit::{AuditError, AuditEvent, AuditSink};

/// Sends events to a task of one's own: to a mail, a message queue, a SIEM.
///
/// ```
/// use auth::audit::{Audit, AuditAction, ChannelSink};
///
/// # async fn example() {
/// let (sink, mut events) = ChannelSink::bounded(1024);
/// let audit = Audit::new().with_sink(sink);
/// audit.record(AuditAction::PasswordChanged, Some("7")).await;
/// while let Some(event) = events.recv().await {
///     println!("{} {:?}", event.action.name(), event.user);
/// }
/// # }
/// ```
///
/// No flow waits for the receiver. Where the channel is full, or nobody receives any more, the event is lost, and that
/// is reported as an error of the program's.
#[derive(Clone, Debug)]
pub struct ChannelSink {
    sender: Sender<AuditEvent>,
}

/// Why a [`ChannelSink`] lost an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The receiver does not keep up.
    #[error("the channel is full")]
    Full,
    /// There is no receiver any more.
    #[error("nobody receives from the channel")]
    Closed,
}

impl ChannelSink {
    /// A channel that holds that many events, one at least.
    pub fn bounded(capacity: usize) -> (Self, Receiver<AuditEvent>) {
        let (sender, receiver) = channel(capacity.clamp(1, Semaphore::MAX_PERMITS));
        (Self { sender }, receiver)
    }
}

impl AuditSink for ChannelSink {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        let sent = self.sender.try_send(event.clone()).map_err(|error| match error {
            TrySendError::Full(_) => Lost::Full,
            TrySendError::Closed(_) => Lost::Closed,
        });
        Box::pin(ready(sent.map_err(Into::into)))
    }
}
