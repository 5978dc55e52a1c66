use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::accounts::{AuthCredentials, AuthResult};
use crate::secret::SecretString;
use crate::users::UserModel;
use crate::web::cookie::{Jar, Which};
use crate::web::refusal::Refusal;
use crate::web::request::RequestAuth;

/// What a device is known by at its next login, so that others' guesses at the account do not keep it out
/// ([`KnownDevices`](crate::limits::KnownDevices)): for handlers that log users in themselves, as [`Auth::routes`](crate::Auth::routes) do.
///
/// The cookie is set with the answer, for 180 days.
///
/// ```
/// use auth::accounts::{AuthCredentials, AuthenticationError};
/// use auth::audit::Origin;
/// use auth::prelude::*;
/// use auth::users::DefaultUser;
/// use auth::web::axum::{CsrfForm, DeviceCookie};
/// use axum::response::Redirect;
///
/// #[derive(serde::Deserialize)]
/// struct Login {
///     username: String,
///     password: String,
/// }
///
/// async fn log_in(
///     auth: Auth<DefaultUser>,
///     session: Session,
///     origin: Origin,
///     device: DeviceCookie,
///     CsrfForm(login): CsrfForm<Login>,
/// ) -> Result<Redirect, AuthenticationError> {
///     let credentials = device.add_to(AuthCredentials::password(login.username, login.password));
///     let result = auth.log_in(&session, credentials, &origin).await?;
///     device.remember(&result);
///     Ok(Redirect::to("/"))
/// }
/// # let _: axum::Router = axum::Router::new().route("/log-in", axum::routing::post(log_in));
/// ```
///
/// # Security
/// It proves nobody's identity: whoever has it only gets tries of their own.
#[derive(Clone, Debug)]
pub struct DeviceCookie {
    auth: RequestAuth,
    jar: Jar,
    token: Option<SecretString>,
}

impl DeviceCookie {
    pub(super) fn of(auth: &RequestAuth, parts: &Parts) -> Self {
        let jar = auth.jar(parts);
        let token = jar.read(Which::Device, parts).and_then(|token| std::str::from_utf8(token).ok());
        Self { token: token.map(SecretString::from), auth: auth.clone(), jar }
    }

    /// The credentials, with what an earlier login left on this device. It counts for a name and a password.
    #[must_use]
    pub fn add_to(&self, credentials: AuthCredentials) -> AuthCredentials {
        match &self.token {
            Some(token) => credentials.on_device(token.clone()),
            None => credentials,
        }
    }

    /// Has the device keep what this login left, if it left anything: one with a password does, complete with its second step.
    pub fn remember<U: UserModel>(&self, result: &AuthResult<U>) {
        if let Some(token) = &result.device {
            self.auth.remember_device(&self.jar, token);
        }
    }
}

impl<S: Sync> FromRequestParts<S> for DeviceCookie {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self::of(RequestAuth::of(parts)?, parts))
    }
}
