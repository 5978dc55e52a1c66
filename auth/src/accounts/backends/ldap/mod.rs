mod directory;
mod server;
mod verdict;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use self::directory::{Directory, Entry, Found, Mode};
use self::server::Server;
use crate::BoxFuture;
use crate::accounts::{AuthBackend, AuthBackendError, Error, Verdict};
use crate::database::Role;
use crate::secret::SecretString;
use crate::users::{BaseUserManager as _, Extra, UserError, UserManager, UserModel};

/// Checks names and passwords in an LDAP directory, and answers with the local user of that name.
///
/// ```
/// # fn example(users: auth::users::UserManager<auth::users::DefaultUser>) -> Result<(), auth::Error> {
/// use auth::accounts::LdapAuthBackend;
///
/// let backend = LdapAuthBackend::search("ldaps://ldap.example.org", "ou=people,dc=example,dc=org", users)?
///     .with_service_account("cn=reader,dc=example,dc=org", "its password")?
///     .with_filter("(&(objectClass=person)(uid={username}))")?;
/// # Ok(())
/// # }
/// ```
///
/// It searches for the user's entry and binds as that ([`search`](Self::search)), or binds by a pattern at once
/// ([`bind_as`](Self::bind_as)). The entry's user name, its attribute `uid` if nothing else is said, is the local user's. A
/// user who is not here is not made, but with [`create_unknown`](Self::create_unknown).
///
/// | the directory says | verdict |
/// | --- | --- |
/// | the password is right, and there is a local user | [`Verdict::Authenticated`] |
/// | no such entry, several, a wrong password, or no local user | [`Verdict::Next`] |
/// | the account is locked, disabled or expired, its password is to be changed | [`Verdict::Refused`] |
/// | anything else, or nothing in time: five seconds in all, if nothing else is said | an error |
///
/// # Security
/// - The connection is encrypted: `ldaps://` from the beginning, `ldap://` by `StartTLS`, without which nothing is sent. The
///   certificate must be for the host, from an authority that the system trusts or [`trusting`](Self::trusting) names. Only
///   to a loopback address is `ldap://` spoken plainly. (RFC 4513 §3)
/// - A bind without a password succeeds in many directories, as nobody (RFC 4513 §5.1.2): no empty one is ever sent.
/// - The name is escaped in the filter (RFC 4515 §3) and in the pattern (RFC 4514 §2.4). It must be the name that the entry
///   has, letter for letter in canonical form: a directory finds `ANN`, and what has a soft hyphen in it, too, and each
///   spelling would have tries of its own.
/// - The entry must have one user name, or whoever may add another to the own entry could be anyone.
/// - For an unknown name a bind is made as well, as an entry that is not there. How long the directory takes for that, it
///   decides itself.
/// - Referrals are not followed: the password would go to whoever is named there.
/// - Whoever has a name in the directory is the local user of that name, superusers included. Disabling a local user, or
///   taking permissions away, holds whatever the directory says; ending somebody there does not end sessions here.
pub struct LdapAuthBackend<U: UserModel> {
    users: UserManager<U>,
    directory: Directory,
    create_unknown: bool,
}

/// Why it cannot be told whether a name and a password are right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapBackendError {
    /// The directory cannot be reached, hangs up, or its certificate is not trusted.
    #[error("the directory cannot be asked")]
    Unreachable(#[source] ldap3::LdapError),
    /// It does not answer in time.
    #[error("the directory does not answer in time")]
    TimedOut,
    /// It refuses the service account.
    #[error("the directory refuses the service account: result code {0}")]
    ServiceAccount(u32),
    /// It fails, wants something that is not given, or refers to another directory.
    #[error("the directory answers with result code {0}")]
    Answer(u32),
    /// It answers what is no LDAP.
    #[error("the directory's answer cannot be read")]
    Malformed,
    /// The entry does not tell exactly one user name, or whoever is bound may not read it.
    #[error("the entry does not tell one value of `{0}`")]
    UserName(String),
}

impl<U: UserModel> LdapAuthBackend<U> {
    /// Searches below that DN for the one entry that has the name, and binds as it.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the address is none of a directory.
    pub fn search(url: &str, base_dn: &str, users: UserManager<U>) -> Result<Self, Error> {
        let mode = Mode::Search { base: base_dn.to_owned(), filter: None, account: None };
        Self::over(url, mode, users)
    }

    /// Binds as the entry with that DN: `uid={username},ou=people,dc=example,dc=org`. It must be able to read itself.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the address is none of a directory, or the pattern has no `{username}`.
    pub fn bind_as(url: &str, pattern: &str, users: UserManager<U>) -> Result<Self, Error> {
        directory::check_placeholder(pattern)?;
        Self::over(url, Mode::Bind { pattern: pattern.to_owned() }, users)
    }

    fn over(url: &str, mode: Mode, users: UserManager<U>) -> Result<Self, Error> {
        let directory = Directory {
            server: Server::new(url)?,
            mode,
            name_attribute: "uid".to_owned(),
            timeout: Duration::from_secs(5),
        };
        Ok(Self { users, directory, create_unknown: false })
    }

    /// Searches with another filter (RFC 4515), in which `{username}` stands for the name: `(sAMAccountName={username})`.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is no filter, has no `{username}`, or nothing is searched for.
    pub fn with_filter(mut self, template: &str) -> Result<Self, Error> {
        directory::check_placeholder(template)?;
        if ldap3::parse_filter(directory::filled_filter(template, "x")).is_err() {
            return Err(Error::Configuration(format!("`{template}` is no LDAP filter")));
        }
        match &mut self.directory.mode {
            Mode::Search { filter, .. } => *filter = Some(template.to_owned()),
            Mode::Bind { .. } => return Err(only_searching("a filter")),
        }
        Ok(self)
    }

    /// Searches as this entry, not as nobody.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the password is empty, or nothing is searched for.
    pub fn with_service_account(mut self, dn: &str, password: impl Into<SecretString>) -> Result<Self, Error> {
        let password = password.into();
        if dn.is_empty() || password.expose().is_empty() {
            return Err(Error::Configuration("the directory's service account needs a DN and a password".to_owned()));
        }
        match &mut self.directory.mode {
            Mode::Search { account, .. } => *account = Some((dn.to_owned(), password)),
            Mode::Bind { .. } => return Err(only_searching("a service account")),
        }
        Ok(self)
    }

    /// The attribute that holds the local user's name, if it is not `uid`: `sAMAccountName`. It is also what is searched
    /// for, if no filter is given.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is no name of an attribute.
    pub fn with_name_attribute(mut self, attribute: &str) -> Result<Self, Error> {
        if attribute.is_empty() || !attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Error::Configuration(format!("`{attribute}` is no name of an LDAP attribute")));
        }
        attribute.clone_into(&mut self.directory.name_attribute);
        Ok(self)
    }

    /// All that is asked for a login may take that long.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.directory.timeout = timeout;
        self
    }

    /// Trusts the authorities in this PEM file only, not the system's.
    ///
    /// # Errors
    /// [`Error::Configuration`] when there are none in it.
    pub fn trusting(mut self, pem: impl AsRef<Path>) -> Result<Self, Error> {
        self.directory.server.trust(pem.as_ref())?;
        Ok(self)
    }

    /// Speaks `ldap://` with `StartTLS` to a loopback address, too.
    #[must_use]
    pub fn with_start_tls(mut self) -> Self {
        self.directory.server.start_tls();
        self
    }

    /// Speaks `ldap://` without encryption.
    ///
    /// # Security
    /// Whoever is on the way reads every password.
    #[must_use]
    pub fn danger_plain_text(mut self) -> Self {
        self.directory.server.plain_text();
        self
    }

    /// Makes a local user, without a password, for whoever proves to be in the directory and is not here. Off by default.
    ///
    /// The user gets the entry's `mail`, `givenName` and `sn`, where the user's type has such columns and can take them.
    #[must_use]
    pub fn create_unknown(self, create: bool) -> Self {
        Self { create_unknown: create, ..self }
    }

    async fn check(&self, username: &str, password: &SecretString) -> Result<Verdict, AuthBackendError> {
        // No local user has such a name, and nobody such a password: nothing is learnt from a quick answer.
        if password.expose().is_empty() || username.is_empty() || username.len() > 1024 {
            return Ok(Verdict::Next);
        }
        let entry = match self.directory.check(username, password).await? {
            Found::Entry(entry) => entry,
            Found::Nobody => return Ok(Verdict::Next),
            Found::Refused => return Ok(Verdict::Refused),
        };
        let name = U::normalize_username(&entry.name);
        if U::normalize_username(username) != name {
            return Ok(Verdict::Next);
        }
        if let Some(user) = self.users.get_by_username(&name).await? {
            return Ok(Verdict::Authenticated(user.id()));
        }
        if !self.create_unknown {
            return Ok(Verdict::Next);
        }
        Ok(Verdict::Authenticated(self.create(&name, &entry).await?.id()))
    }

    async fn create(&self, name: &str, entry: &Entry) -> Result<U, UserError> {
        let mut extra = Extra::new();
        for (role, value) in
            [(Role::Email, &entry.mail), (Role::FirstName, &entry.given_name), (Role::LastName, &entry.sn)]
        {
            if let (Some(column), Some(value)) = (U::column_of(role), value)
                && !column.is(Role::Username)
            {
                extra.insert(column.name.to_owned(), value.as_str().into());
            }
        }
        // Whoever has an address here logs in with it.
        if let (Some(column), Some(mail)) = (U::column_of(Role::Email), &entry.mail)
            && self.users.get_by_email(mail).await?.is_some()
        {
            extra.remove(column.name);
        }
        let created = match self.users.create_user(name, None, extra).await {
            Err(UserError::Invalid(_)) => self.users.create_user(name, None, Extra::new()).await,
            created => created,
        };
        match created {
            // Of two logins at once, the other was quicker.
            Err(UserError::AlreadyExists { column }) => match self.users.get_by_username(name).await? {
                Some(user) => Ok(user),
                None => Err(UserError::AlreadyExists { column }),
            },
            created => created,
        }
    }
}

fn only_searching(what: &str) -> Error {
    Error::Configuration(format!("{what} is for `LdapAuthBackend::search` only"))
}

impl<U: UserModel> fmt::Debug for LdapAuthBackend<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapAuthBackend").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl<U: UserModel> AuthBackend for LdapAuthBackend<U> {
    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a SecretString,
    ) -> BoxFuture<'a, Result<Verdict, AuthBackendError>> {
        Box::pin(self.check(username, password))
    }
}
