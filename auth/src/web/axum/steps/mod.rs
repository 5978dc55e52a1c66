//! What a login takes beside its first step: the second factor, and proving again who one is.

mod factor;
mod pages;
#[cfg(feature = "mfa-webauthn")]
mod passkeys;
mod reauthenticate;
#[cfg(feature = "mfa-codes")]
pub(super) mod sent_codes;

use axum::Router;
use axum::routing::get;

pub(super) use factor::second_step;

use crate::users::UserModel;

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    let router = Router::new()
        .route("/login/factor", get(factor::page::<U>).post(factor::go_on::<U>))
        .route("/reauthenticate", get(reauthenticate::page::<U>).post(reauthenticate::prove::<U>));
    #[cfg(feature = "mfa-webauthn")]
    let router = router.merge(passkeys::routes::<U, S>());
    router
}
