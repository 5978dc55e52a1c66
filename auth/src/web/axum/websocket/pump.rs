//! The task that owns a connection: whatever the application does meanwhile, it ends with the login.

use std::future::pending;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::LOGIN_ENDED;
use crate::accounts::{LoginStatus, LoginWatch};

/// Why a connection is closed from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The login has ended.
    LoginEnded,
    /// Nobody is logged in by what was said first.
    NotLoggedIn,
    /// A store failed.
    TryAgain,
    /// The application has done with it.
    Done(Option<CloseFrame>),
}

/// How long the other side may take to close.
const CLOSING: Duration = Duration::from_secs(1);

impl Close {
    fn frame(self) -> Option<CloseFrame> {
        let frame = |code, reason: &'static str| Some(CloseFrame { code, reason: reason.into() });
        match self {
            Self::LoginEnded => frame(LOGIN_ENDED, "the login has ended"),
            Self::NotLoggedIn => frame(LOGIN_ENDED, "not logged in"),
            Self::TryAgain => frame(axum::extract::ws::close_code::AGAIN, "try again later"),
            Self::Done(None) => frame(axum::extract::ws::close_code::NORMAL, ""),
            Self::Done(said) => said,
        }
    }
}

/// Closes it; if the other side does not answer, without its answer.
pub(super) async fn close(mut socket: WebSocket, why: Close) {
    let goodbye = async {
        if socket.send(Message::Close(why.frame())).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    drop(timeout(CLOSING, goodbye).await);
}

/// A connection and what leads from it to the application and back.
pub(super) struct Pump {
    pub(super) socket: WebSocket,
    pub(super) watch: LoginWatch,
    pub(super) incoming: mpsc::Sender<Message>,
    pub(super) outgoing: mpsc::Receiver<Message>,
    pub(super) max_message: usize,
}

/// What came.
enum Came {
    Message(Message, mpsc::OwnedPermit<Message>),
    /// The other side is gone, or has said what cannot be understood.
    End,
}

impl Pump {
    /// Until the login ends, the other side goes, or the application has done with it.
    pub(super) async fn run(mut self) {
        if let Some(why) = self.carry().await {
            // Whoever waits for a message, or to send one, is told before the other side answers.
            drop((self.incoming, self.outgoing));
            close(self.socket, why).await;
        }
    }

    async fn carry(&mut self) -> Option<Close> {
        loop {
            match self.watch.status() {
                LoginStatus::Holds => {}
                LoginStatus::Ended => return Some(Close::LoginEnded),
                LoginStatus::GivenUp => return Some(Close::TryAgain),
                LoginStatus::Unknown => {
                    self.watch.changed().await;
                    continue;
                }
            }
            tokio::select! {
                () = self.watch.changed() => {}
                message = self.outgoing.recv() => match message {
                    None => return Some(self.done(None)),
                    Some(Message::Close(frame)) => return Some(self.done(frame)),
                    Some(message) => {
                        // Whoever does not read what is sent does not stay for that.
                        tokio::select! {
                            biased;
                            () = self.watch.over() => {}
                            sent = self.socket.send(message) => if sent.is_err() {
                                return None;
                            },
                        }
                    }
                },
                came = receive(&mut self.socket, &self.incoming) => match came {
                    Came::End => return None,
                    Came::Message(message @ (Message::Text(_) | Message::Binary(_)), room) => {
                        if length(&message) > self.max_message {
                            return None;
                        }
                        self.watch.note_use();
                        room.send(message);
                    }
                    // The socket answers both by itself, when it is read further.
                    Came::Message(..) => {}
                },
            }
        }
    }

    /// The application may have done with it because the login has ended: then the other side is told that.
    fn done(&mut self, frame: Option<CloseFrame>) -> Close {
        match self.watch.status() {
            LoginStatus::Ended => Close::LoginEnded,
            LoginStatus::GivenUp => Close::TryAgain,
            LoginStatus::Holds | LoginStatus::Unknown => Close::Done(frame),
        }
    }
}

/// The next message, once there is room for it. May be given up at any time.
async fn receive(socket: &mut WebSocket, incoming: &mpsc::Sender<Message>) -> Came {
    let Ok(room) = incoming.clone().reserve_owned().await else {
        // The application has let go of it: what it has sent before is sent first.
        return pending().await;
    };
    match socket.recv().await {
        Some(Ok(message)) => Came::Message(message, room),
        Some(Err(_)) | None => Came::End,
    }
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    }
}
