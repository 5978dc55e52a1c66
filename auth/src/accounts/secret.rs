//! The application's secret, as the builder is told of it.

use super::{AuthBuilder, Error, secret_file};
use crate::registry::Url;
use crate::secret::SecretKey;
use crate::users::UserModel;

/// What is missing where nothing can be made.
pub(super) const NO_SECRET: &str = "set AUTH_SECRET, or call `.secret(…)`: servers that share a database share a secret; \
                                    `openssl rand -base64 48` makes a good one";

/// Whether that is the address of a server.
pub(super) fn is_server(url: &Url) -> bool {
    url.expose().contains("://") && url.scheme() != "sqlite"
}

/// The file of an SQLite address; `None` for a database in memory.
fn sqlite_file(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    (!path.is_empty() && path != ":memory:" && !parameters.contains("mode=memory")).then_some(path)
}

impl<U: UserModel> AuthBuilder<U> {
    /// What was given, or what the application makes for itself.
    pub(super) fn secret_key(&self) -> Result<SecretKey, Error> {
        let mut key = match (&self.secret, &self.database) {
            (Some(secret), _) => SecretKey::new(secret.expose())?,
            (None, None) => SecretKey::random(),
            (None, Some(url)) if url.scheme() == "sqlite" => match sqlite_file(url.expose()) {
                Some(file) => secret_file::beside(file.as_ref())?,
                None => SecretKey::random(),
            },
            (None, Some(_)) => {
                return Err(Error::Configuration(NO_SECRET.to_owned()));
            }
        };
        for old in &self.secret_fallbacks {
            key = key.with_fallback(old.expose())?;
        }
        Ok(key)
    }
}
