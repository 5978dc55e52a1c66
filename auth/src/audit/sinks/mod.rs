//! One file for each sink.

mod tracing;

pub use self::tracing::TracingSink;
