//! A client that opens a WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::PATIENCE;
use crate::http::Visitor;

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What comes through a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all")]
pub enum Heard {
    /// A text.
    Text(String),
    /// The end, with its code, if there was one.
    Closed(Option<u16>),
}

impl Socket {
    /// Opens one with these headers and no others.
    ///
    /// # Errors
    /// The status of whoever refuses.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn open(address: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, StatusCode> {
        let url = format!("{}{path}", address.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("that is an address");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("that is a header");
            request.headers_mut().append(name, HeaderValue::try_from(*value).expect("that is a header's value"));
        }
        match timeout(PATIENCE, connect_async(request)).await.expect("the server answers") {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(Error::Http(answer)) => Err(StatusCode::from_u16(answer.status().as_u16()).expect("that is a status")),
            Err(error) => panic!("{error}"),
        }
    }

    /// Says something. Whether it arrives is another question.
    pub async fn say(&mut self, text: impl Into<String>) {
        drop(self.stream.send(Message::text(text.into())).await);
    }

    /// What comes next, pings left out.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Heard::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// Asks, and gives the answer.
    pub async fn ask(&mut self, text: &str) -> Heard {
        self.say(text).await;
        self.hear().await
    }

    /// The code that it is closed with, after whatever comes before.
    pub async fn end(&mut self) -> Option<u16> {
        loop {
            if let Heard::Closed(code) = self.hear().await {
                return code;
            }
        }
    }
}

impl Visitor {
    /// Opens a socket from a page of this site.
    ///
    /// # Errors
    /// The status of whoever refuses.
    pub async fn socket(&self, path: &str) -> Result<Socket, StatusCode> {
        let cookie = self.cookie().unwrap_or_default();
        Socket::open(self.address(), path, &[("origin", self.address()), ("cookie", &cookie)]).await
    }
}

/// What an answer to that is.
pub fn text(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}
