//! Each WebSocket is somebody's: authenticated before any message, closed when the login ends (ASVS 4.4.2–4.4.4).
//!
//! `upgrade.rs` decides who comes in, `first_message.rs` asks those of whom nothing is known yet, `socket.rs` is what the
//! application has of an open socket, and `pump.rs` the task that owns the connection.

mod first_message;
mod pump;
mod socket;
mod ticket;
mod upgrade;

pub use socket::{AuthSocket, SocketClosed};
pub use ticket::SocketTicket;
pub use upgrade::AuthUpgrade;

/// The code a socket is closed with when its login has ended, or when a first message is none that lets anybody in
/// (RFC 6455 §7.4.2 leaves 4000 to 4999 to applications).
pub const LOGIN_ENDED: u16 = 4401;
