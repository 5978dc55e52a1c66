use std::sync::Arc;

use crate::clock::Clock;
#[cfg(feature = "__sql")]
use crate::database::Database;
use crate::secret::SecretKey;

/// What a registered implementation may use when it is made: the application's clock, secret and database.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The application's clock; everything that expires asks it.
    pub clock: Arc<dyn Clock>,
    /// The application's secret; derive a key of your own from it.
    pub secret: SecretKey,
    /// The application's database, if it has one.
    #[cfg(feature = "__sql")]
    pub database: Option<Database>,
}

impl Context {
    /// A context without a database.
    pub fn new(clock: Arc<dyn Clock>, secret: SecretKey) -> Self {
        Self {
            clock,
            secret,
            #[cfg(feature = "__sql")]
            database: None,
        }
    }

    /// Whether the application has a database.
    #[cfg(feature = "session-cookie")]
    #[cfg_attr(not(feature = "__sql"), expect(clippy::unused_self, reason = "without a driver there is none"))]
    pub(crate) fn has_database(&self) -> bool {
        #[cfg(feature = "__sql")]
        return self.database.is_some();
        #[cfg(not(feature = "__sql"))]
        false
    }
}
