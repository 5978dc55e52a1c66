//! What somebody says first of whom nothing is known.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde::Deserialize;
use tokio::time::timeout;

use super::pump::Close;
use crate::accounts::{Auth, Credential, Held, is_ticket};
use crate::audit::Origin;
use crate::report;
use crate::secret::SecretString;
use crate::users::UserModel;

/// The most bytes of it: a token that is verified has 16 KiB at the most.
pub(super) const LONGEST: usize = 20 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstMessage {
    user_id: UserId,
    session_token: SecretString,
}

/// Keys are numbers in some applications.
#[derive(Deserialize)]
#[serde(untagged)]
enum UserId {
    Text(String),
    Number(i64),
}

impl FirstMessage {
    fn read(message: &[u8]) -> Option<Self> {
        if message.len() > LONGEST { None } else { serde_json::from_slice(message).ok() }
    }

    fn names(&self, id: &str) -> bool {
        match &self.user_id {
            UserId::Text(text) => text == id,
            UserId::Number(number) => number.to_string() == id,
        }
    }

    /// Who says it, by one message in time. There is one try.
    pub(super) async fn wait_for<U: UserModel>(
        socket: &mut WebSocket,
        time: Duration,
        auth: &Auth<U>,
        origin: &Origin,
    ) -> Result<(Credential, Held), Close> {
        let message = timeout(time, Self::receive(socket)).await.ok().flatten().ok_or(Close::NotLoggedIn)?;
        let token = &message.session_token;
        let known = if is_ticket(token) {
            auth.take_ticket(token).await
        } else {
            let credential = auth.credential_of(token, origin);
            auth.check(&credential, false).await.map(|held| held.map(|held| (credential, held)))
        };
        match known {
            Ok(Some((credential, held))) if message.names(held.principal.id()) => Ok((credential, held)),
            Ok(_) => {
                tracing::info!(source = ?origin.source, "a first message is refused");
                Err(Close::NotLoggedIn)
            }
            Err(error) => {
                report::failed("a socket is closed because whose it is cannot be told", &error);
                Err(Close::TryAgain)
            }
        }
    }

    /// Pings are answered by the socket itself, and are no messages.
    async fn receive(socket: &mut WebSocket) -> Option<Self> {
        loop {
            match socket.recv().await?.ok()? {
                Message::Text(text) => return Self::read(text.as_bytes()),
                Message::Binary(bytes) => return Self::read(&bytes),
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exactly_that_is_a_first_message() {
        let read = |text: &str| FirstMessage::read(text.as_bytes());
        let message = read(r#"{"user_id": "7", "session_token": "x"}"#).unwrap();
        assert!(message.names("7") && !message.names("07") && !message.names("8"));
        let message = read(r#"{"user_id": 7, "session_token": "x"}"#).unwrap();
        assert!(message.names("7") && !message.names("77"));
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"user_id": "7"}"#,
            r#"{"session_token": "x"}"#,
            r#"{"user_id": "7", "session_token": 1}"#,
            r#"{"user_id": 7.5, "session_token": "x"}"#,
            r#"{"user_id": null, "session_token": "x"}"#,
            r#"{"user_id": "7", "session_token": "x", "is_superuser": true}"#,
            r#"{"user_id": "7", "user_id": "8", "session_token": "x"}"#,
            r#"{"user_id": "7", "session_token": "x"} x"#,
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
        let long = format!(r#"{{"user_id": "7", "session_token": "{}"}}"#, "x".repeat(LONGEST));
        assert!(read(&long).is_none());
    }
}
