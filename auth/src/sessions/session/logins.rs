use super::Session;
use super::state::State;
use crate::sessions::{Device, Login, SessionBackend, SessionError};

impl<B: SessionBackend> Session<B> {
    /// Logs a user in under a new key. What an anonymous visitor had stays; what another user had goes.
    ///
    /// A login that fails or is given up is not saved with something else later.
    pub(crate) async fn start(&self, login: Login) -> Result<(), SessionError> {
        // A session that is ended on the way does not take this login's device with it.
        let device = self.state().changes.device.clone();
        if self.login().is_some_and(|old| old.user_id != login.user_id) {
            self.flush().await?;
        }
        match self.renew(login.clone(), device.clone()).await {
            Err(SessionError::Ended) => {
                // Logged out or under another key meanwhile, in another request: log in to a session of its own.
                *self.state() = State { accessed: true, ..State::default() };
                self.renew(login, device).await
            }
            other => other,
        }
    }

    /// Notes a login of the same user, under a new key. A session that was ended meanwhile stays so.
    pub(crate) async fn renew(&self, login: Login, device: Option<Device>) -> Result<(), SessionError> {
        let attempt = Attempt(self);
        {
            let mut state = self.state();
            (state.changes.login, state.changes.device, state.renew) = (Some(login), device, true);
            state.note_change();
        }
        self.save().await?;
        std::mem::forget(attempt);
        Ok(())
    }

    /// The login just started is not certain yet: unless that is confirmed, nobody is told the session's key.
    pub(crate) fn unconfirmed(&self) -> Unconfirmed<'_, B> {
        Unconfirmed(self)
    }
}

/// A login under way: when it ends otherwise than by success, nothing of it is left.
struct Attempt<'a, B: SessionBackend>(&'a Session<B>);

impl<B: SessionBackend> Drop for Attempt<'_, B> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.changes.login, state.renew) = (None, false);
    }
}

/// A login that was saved and may turn out not to be allowed: when it ends otherwise than by its confirmation, the session
/// is forgotten here, whether or not its store could remove it.
pub(crate) struct Unconfirmed<'a, B: SessionBackend>(&'a Session<B>);

impl<B: SessionBackend> Unconfirmed<'_, B> {
    pub(crate) fn confirm(self) {
        std::mem::forget(self);
    }
}

impl<B: SessionBackend> Drop for Unconfirmed<'_, B> {
    fn drop(&mut self) {
        self.0.forget();
    }
}
