use std::time::Duration;

use super::{Auth, Error};
use crate::audit::Origin;
use crate::limits::{Backoff, Decision, Limit, OnSuccess};
use crate::users::{Extra, UserModel};

/// What became of a registration.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum RegisterOutcome<U> {
    /// There is a new user. Nobody is logged in by that.
    Registered(Box<U>),
    /// Too many registrations from there; nothing was looked at.
    TooMany(Duration),
}

impl<U: UserModel> Auth<U> {
    /// Makes a user of what a stranger sent: in `extra` only columns marked `#[user(editable)]` are accepted.
    ///
    /// Registrations are limited by source, as logins are ([`Backoff::SOURCE`]); an unknown source [is not](crate::limits).
    ///
    /// # Errors
    /// [`Error::User`] when the name is taken, the password weak or a field wrong; [`Error::Limits`]
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        extra: Extra,
        origin: &Origin,
    ) -> Result<RegisterOutcome<U>, Error> {
        let limit = Limit::by_source("registration by source", origin.source, Backoff::SOURCE, OnSuccess::Keep);
        let decision = self.inner().registrations.attempt(limit.as_slice()).await;
        match decision.map_err(|error| Error::Limits(Box::new(error)))? {
            Decision::Wait(wait) => Ok(RegisterOutcome::TooMany(wait)),
            Decision::Allowed(_) => {
                let user = self.users().by(origin.clone()).register(username, password, extra).await?;
                Ok(RegisterOutcome::Registered(Box::new(user)))
            }
        }
    }
}
