//! Refresh tokens (RFC 6749 §1.5): opaque, rotated at every use, in families (RFC 9700 §4.14.2).

mod rotation;
mod store;

pub use rotation::{
    RefreshGrant, RefreshRefused, RefreshToken, RotatedToken, Rotation, TokenLogin, TokenRotationManager,
};
pub use store::{InMemoryRefreshStore, RecordRefreshStore, RefreshFamily, RefreshTokenStore};
