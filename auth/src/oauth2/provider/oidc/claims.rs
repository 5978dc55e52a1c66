//! What clients learn of a user beside the id (OpenID Connect Core §5.1, §5.4).

use serde_json::{Map, Value};

use crate::BoxFuture;
use crate::database::{self, Role};
use crate::oauth2::provider::Scope;
use crate::users::UserModel;

/// Says what the userinfo endpoint tells of a user, by the scope that the person agreed to.
///
/// A closure is one, too:
///
/// ```
/// use auth::oauth2::provider::Scope;
/// use auth::oauth2::provider::oidc::ClaimsSource;
/// use auth::users::DefaultUser;
/// use serde_json::{Map, Value};
///
/// fn claims(user: &DefaultUser, scope: &Scope) -> Map<String, Value> {
///     let mut claims = Map::new();
///     if scope.contains("profile") {
///         claims.insert("nickname".into(), user.first_name.clone().into());
///     }
///     claims
/// }
///
/// fn source() -> impl ClaimsSource<DefaultUser> {
///     claims
/// }
/// ```
///
/// # Security
/// Tell no more than the scope says. `email_verified` is for addresses that were proved to be the user's: clients find accounts by
/// them.
pub trait ClaimsSource<U>: Send + Sync + 'static {
    /// The claims. `sub` and what else belongs to the protocol is not theirs to say.
    fn claims<'a>(
        &'a self,
        user: &'a U,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Box<dyn std::error::Error + Send + Sync>>>;
}

impl<U: Sync, F> ClaimsSource<U> for F
where
    F: Fn(&U, &Scope) -> Map<String, Value> + Send + Sync + 'static,
{
    fn claims<'a>(
        &'a self,
        user: &'a U,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Box<dyn std::error::Error + Send + Sync>>> {
        let claims = self(user, scope);
        Box::pin(async move { Ok(claims) })
    }
}

/// The user's own columns: for `profile` the names, for `email` the address. Whether that was verified is not said.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct UserColumns;

impl UserColumns {
    /// The claims that are told.
    pub const CLAIMS: [&'static str; 5] = ["name", "given_name", "family_name", "preferred_username", "email"];
}

impl<U: UserModel> ClaimsSource<U> for UserColumns {
    fn claims<'a>(
        &'a self,
        user: &'a U,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move {
            let values = user.values()?;
            let text = |role| {
                let place = U::COLUMNS.iter().position(|column| column.is(role))?;
                match values.get(place) {
                    Some(database::Value::Text(Some(text))) if !text.is_empty() => Some(text.clone()),
                    _ => None,
                }
            };
            let (given, family) = (text(Role::FirstName), text(Role::LastName));
            let names: Vec<_> = given.iter().chain(&family).map(String::as_str).collect();
            // Where the name is the mail address, it is for the scope `email`.
            let is_address = U::column_of(Role::Email).is_some_and(|column| column.is(Role::Username));
            let profile = [
                ("name", (!names.is_empty()).then(|| names.join(" "))),
                ("given_name", given.clone()),
                ("family_name", family.clone()),
                ("preferred_username", (!is_address).then(|| user.username().to_owned())),
            ];
            let profile = profile.into_iter().filter(|_| scope.contains("profile"));
            let email = [("email", text(Role::Email))].into_iter().filter(|_| scope.contains("email"));
            let told = profile.chain(email);
            Ok(told.filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect())
        })
    }
}

/// The scopes of OpenID Connect, and what people are told of them, unless the configuration says something else.
pub(in crate::oauth2::provider) const OPENID_SCOPES: [(&str, &str); 3] =
    [("openid", "Know that it is you"), ("profile", "See your name"), ("email", "See your mail address")];

/// What belongs to the protocol, and is not the application's to say.
#[cfg(feature = "web-axum")]
const PROTOCOL: [&str; 14] =
    ["sub", "iss", "aud", "exp", "nbf", "iat", "jti", "nonce", "auth_time", "acr", "amr", "azp", "at_hash", "sid"];

/// What the userinfo endpoint answers: the user's id, and what the source says.
#[cfg(feature = "web-axum")]
pub(crate) fn userinfo(user_id: &str, mut claims: Map<String, Value>) -> Map<String, Value> {
    claims.retain(|name, value| !PROTOCOL.contains(&name.as_str()) && !value.is_null());
    claims.insert("sub".into(), user_id.into());
    claims
}
