//! A declarative authentication and authorization framework.

extern crate self as auth;

use std::pin::Pin;

#[doc(hidden)]
pub mod __private;
pub mod access;
pub mod clock;
pub mod database;
#[cfg(feature = "__sql")]
pub mod migrations;
pub mod passwords;
pub mod permissions;
pub mod registry;
pub mod secret;
pub mod sessions;
#[cfg(feature = "testing")]
pub mod testing;
pub mod users;

pub use auth_macros::*;

/// A boxed future, as the methods of object-safe traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
