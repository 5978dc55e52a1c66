use std::fmt;
use std::marker::PhantomData;

use axum::extract::ws::{Message, WebSocket};
use tokio::sync::mpsc;

use super::pump::Pump;
use crate::access::CurrentUser;
use crate::accounts::{LoginStatus, LoginWatch};
use crate::users::UserModel;

/// An open WebSocket of somebody who is logged in.
///
/// It closes within a second when the login ends, with code 4401 ([`LOGIN_ENDED`](super::LOGIN_ENDED)): by logging out, on any
/// server; when the session is deleted, expires, or its key is changed; by another password; when the user is not active any more,
/// or gone; when a token is revoked or expires. It closes whatever the application does at that moment. What was received before
/// and not taken yet is dropped.
///
/// While a store fails, so that nobody can tell, nothing passes in either direction; after five seconds the socket closes, with
/// code 1013.
///
/// An open socket does not keep its session alive; messages that come in do. A session kept in its cookie is the one that the
/// socket was opened with, and lasts no longer. Somebody known by a password or by a proxy's word stays as long as a session at
/// the most.
///
/// Dropped, it is closed.
pub struct AuthSocket<U: UserModel> {
    watch: LoginWatch,
    incoming: mpsc::Receiver<Message>,
    outgoing: mpsc::Sender<Message>,
    user: PhantomData<fn() -> U>,
}

/// How many messages wait in either direction; then whoever sends waits.
const WAITING: usize = 16;

impl<U: UserModel> AuthSocket<U> {
    pub(super) fn open(socket: WebSocket, watch: LoginWatch, max_message: usize) -> Self {
        let (to_application, incoming) = mpsc::channel(WAITING);
        let (outgoing, from_application) = mpsc::channel(WAITING);
        let pump =
            Pump { socket, watch: watch.clone(), incoming: to_application, outgoing: from_application, max_message };
        tokio::spawn(pump.run());
        Self { watch, incoming, outgoing, user: PhantomData }
    }

    /// Whose it is, with what the user holds now: a permission that is revoked is gone within a second.
    ///
    /// # Panics
    /// Never: the socket was opened for a `U`.
    pub fn user(&self) -> CurrentUser<U> {
        self.watch.principal().downcast().expect("the login is a U's")
    }

    /// The next text or binary message. `None` when the socket is closed, by whomever. Given up before it comes, as in a
    /// `select!`, it loses nothing.
    pub async fn recv(&mut self) -> Option<Message> {
        while self.may_pass().await {
            tokio::select! {
                biased;
                () = self.watch.changed() => {}
                message = self.incoming.recv() => return message,
            }
        }
        None
    }

    /// Sends a message. A `Message::Close` closes the socket with its code.
    ///
    /// Whoever reads slowly is waited for, a few messages late.
    ///
    /// # Errors
    /// [`SocketClosed`] when the socket is closed, by whomever. What was sent shortly before may not have arrived.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), SocketClosed> {
        if !self.may_pass().await {
            return Err(SocketClosed);
        }
        self.outgoing.send(message.into()).await.map_err(|_| SocketClosed)
    }

    /// Waits until the socket is closed, by whomever.
    pub async fn closed(&self) {
        self.outgoing.closed().await;
    }

    /// Whether the login holds; waits while nobody can tell.
    async fn may_pass(&mut self) -> bool {
        loop {
            match self.watch.status() {
                LoginStatus::Holds => return true,
                LoginStatus::Ended | LoginStatus::GivenUp => return false,
                LoginStatus::Unknown => self.watch.changed().await,
            }
        }
    }
}

/// The socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the socket is closed")]
#[non_exhaustive]
pub struct SocketClosed;

impl<U: UserModel> fmt::Debug for AuthSocket<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthSocket").field("user", &self.watch.principal()).finish_non_exhaustive()
    }
}
