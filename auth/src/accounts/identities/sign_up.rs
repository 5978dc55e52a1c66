use std::sync::Arc;

use serde_json::Value;

use crate::accounts::AuthBuilder;
use crate::database::Role;
use crate::oauth2::OAuthUserInfo;
use crate::users::{Extra, UserModel};

/// The user to be made for somebody whom a provider vouches for, and whom nobody knows here. It has no password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignUp {
    /// The name.
    pub username: String,
    /// Further columns.
    pub extra: Extra,
}

impl SignUp {
    /// A user of this name.
    pub fn new(username: impl Into<String>) -> Self {
        Self { username: username.into(), extra: Extra::new() }
    }

    /// The same with a value for a column.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(column.to_owned(), value.into());
        self
    }

    /// What is done if nothing is said. Where users log in with their address, the name is the verified address, and there is no
    /// user without one; elsewhere it is what the account's owner goes by at the provider, and a verified address becomes the
    /// user's.
    pub fn by_default<U: UserModel>(info: &OAuthUserInfo) -> Option<Self> {
        let column = U::column_of(Role::Email);
        if column.is_some_and(|column| column.is(Role::Username)) {
            return info.verified_email().map(Self::new);
        }
        let user = Self::new(info.username.clone()?);
        Some(match column.zip(info.verified_email()) {
            Some((column, email)) => user.with(column.name, email),
            None => user,
        })
    }
}

pub(in crate::accounts) type SignUpPolicy = Arc<dyn Fn(&OAuthUserInfo) -> Option<SignUp> + Send + Sync>;

impl<U: UserModel> AuthBuilder<U> {
    /// Whether somebody whom a provider vouches for, and whom nobody knows here, becomes a user, and which:
    /// [`SignUp::by_default`], if nothing is said.
    ///
    /// ```
    /// # async fn example() -> Result<(), auth::Error> {
    /// use auth::accounts::SignUp;
    /// use auth::prelude::*;
    /// # use auth::users::DefaultUser;
    ///
    /// let auth = Auth::<DefaultUser>::builder()
    ///     .sign_up(|info| {
    ///         let is_ours = info.verified_email()?.ends_with("@example.com");
    ///         if is_ours { SignUp::by_default::<DefaultUser>(info) } else { None }
    ///     })
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    /// A name or an address that somebody has already is refused, not joined. Go by nothing that the provider has not verified.
    pub fn sign_up(self, policy: impl Fn(&OAuthUserInfo) -> Option<SignUp> + Send + Sync + 'static) -> Self {
        Self { sign_up: Arc::new(policy), ..self }
    }
}
