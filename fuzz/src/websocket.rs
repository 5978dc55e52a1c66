//! What somebody says first on a WebSocket, and how it is framed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::prelude::*;
use auth::users::DefaultUser;
use auth::web::axum::{AuthSocket, AuthUpgrade};
use axum::Router;
use axum::routing::any;
use axum::serve::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::block_on;

const HANDSHAKE: &[u8] = b"GET /live HTTP/1.1\r\nhost: site.example\r\norigin: https://site.example\r\n\
    connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A message, in one frame; or, after the line `frames`, whatever follows the handshake.
pub fn run(data: &[u8]) {
    let bytes = data.strip_prefix(b"frames\n").map_or_else(|| frame(data), <[u8]>::to_vec);
    thread_local!(static SITE: Site = block_on(Site::start()));
    SITE.with(|site| block_on(site.say(&bytes)));
}

/// A text in one masked frame (RFC 6455 §5.2).
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ ..126 => frame.push(0x80 | u8::try_from(short).expect("it is short")),
        long => {
            frame.push(0xff);
            frame.extend(u64::try_from(long).expect("it fits").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

struct Site {
    connections: mpsc::UnboundedSender<DuplexStream>,
    opened: Arc<AtomicBool>,
}

impl Site {
    async fn start() -> Self {
        let builder = Auth::<DefaultUser>::builder().passwords(crate::web::plain_passwords());
        let auth = builder.origin("https://site.example").build().await.expect("an application");
        let opened = Arc::new(AtomicBool::new(false));
        let open = opened.clone();
        let live = move |upgrade: AuthUpgrade<DefaultUser>| async move {
            upgrade.on_upgrade(move |_: AuthSocket<DefaultUser>| async move { open.store(true, Ordering::Relaxed) })
        };
        let app = Router::new().route("/live", any(live)).layer(auth.layer());
        let (connections, accepted) = mpsc::unbounded_channel();
        tokio::spawn(async move { axum::serve(Pipe(accepted), app).await });
        Self { connections, opened }
    }

    /// Nobody who has no token is let in, and everybody is told so at once.
    async fn say(&self, bytes: &[u8]) {
        let (mut here, there) = duplex(1 << 20);
        self.connections.send(there).expect("the site listens");
        here.write_all(HANDSHAKE).await.expect("it reads");
        drop(here.write_all(bytes).await);
        drop(here.shutdown().await);
        let mut heard = Vec::new();
        drop(here.read_to_end(&mut heard).await);
        assert!(heard.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&heard));
        assert!(heard.len() < (1 << 10) + bytes.len(), "it says little");
        assert!(!self.opened.load(Ordering::Relaxed), "a stranger is let in");
    }
}

/// Connections in memory.
struct Pipe(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipe {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(connection) => (connection, SocketAddr::from(([192, 0, 2, 1], 4711))),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([192, 0, 2, 2], 80)))
    }
}
