use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// Where something comes from, for limits, for the trail, for the list of one's devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The address of the connecting peer, or what a trusted proxy says of it.
    pub source: Option<IpAddr>,
    /// What the client says it is, 256 characters at the most.
    pub user_agent: Option<String>,
    /// The user who does it, where somebody is known: the primary key as text.
    pub actor: Option<String>,
}

impl Origin {
    /// Nothing is known of it.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// From this address.
    pub fn source(source: Option<IpAddr>) -> Self {
        Self { source, ..Self::default() }
    }

    /// By a client that says this of itself. It is cut, and control characters are left out.
    pub fn with_user_agent(self, user_agent: &str) -> Self {
        Self { user_agent: Some(bounded(user_agent)), ..self }
    }

    /// Done by this user.
    pub fn by(self, actor: &str) -> Self {
        Self { actor: Some(bounded(actor)), ..self }
    }

    /// The fields can be set without the methods.
    pub(super) fn bounded(&self) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(bounded);
        Self { source: self.source, user_agent: text(&self.user_agent), actor: text(&self.actor) }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When, in whole microseconds, as every store keeps it.
    pub at: DateTime<Utc>,
    /// What.
    pub action: AuditAction,
    /// The user whom it concerns, by primary key; `None` where no user is known, as after a login with an unknown name.
    pub user: Option<String>,
    /// Where from, and by whom.
    pub origin: Origin,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $({ $($(#[$field_doc:meta])* $field:ident),+ })? => $name:literal, $succeeded:literal;)*) => {
        /// What happened. Texts in it are cut to 256 characters and hold neither control characters nor what ends a line.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AuditAction {
            $($(#[$doc])* $variant $({ $($(#[$field_doc])* $field: Cow<'static, str>),+ })?,)*
        }

        impl AuditAction {
            /// Its name, as sinks write it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)* }
            }

            /// Whether what was tried succeeded.
            pub fn succeeded(&self) -> bool {
                match self { $(Self::$variant { .. } => $succeeded,)* }
            }

            /// What else there is to say, by name.
            pub fn details(&self) -> Vec<(&'static str, &str)> {
                match self {
                    $(Self::$variant $({ $($field),+ })? => vec![$($((stringify!($field), &**$field)),+)?],)*
                }
            }

            /// The same with every text cut, and without control characters.
            pub(super) fn bounded(self) -> Self {
                match self {
                    $(Self::$variant $({ $($field),+ })? => Self::$variant $({ $($field: bounded(&$field).into()),+ })?,)*
                }
            }
        }
    };
}

actions! {
    /// Somebody proved who they are.
    LoggedIn {
        /// By which way in: `password`, `oauth github`, ….
        method
    } => "login", true;
    /// Somebody tried and failed.
    LoginFailed {
        /// By which way in.
        method,
        /// Why; never told to whoever tried.
        reason
    } => "login", false;
    /// Too many tried; nothing was checked. Told once a minute of an account and of a source; the log has each.
    LoginLimited {
        /// By which way in.
        method
    } => "login.limited", false;
    /// Somebody logged out.
    LoggedOut => "logout", true;
    /// A session began.
    SessionStarted {
        /// The digest that stores know it by.
        session
    } => "session.started", true;
    /// A session ended.
    SessionEnded {
        /// The digest that stores know it by; `all` where all of a user's ended, `others` where all but one did.
        session,
        /// Why.
        reason
    } => "session.ended", true;
    /// Tokens were issued.
    TokensIssued {
        /// The family of the refresh token.
        family,
        /// The client they are for.
        client
    } => "token.issued", true;
    /// Tokens were renewed.
    TokensRefreshed {
        /// The family of the refresh token.
        family,
        /// The client they are for.
        client
    } => "token.refreshed", true;
    /// A refresh token came twice: somebody has a copy. Its family is dead.
    TokenReused {
        /// The family of the refresh token.
        family
    } => "token.reused", false;
    /// A token was refused.
    TokenRefused {
        /// Which kind of token.
        kind,
        /// Why; never told to whoever brought it.
        reason
    } => "token.refused", false;
    /// Tokens were revoked.
    TokensRevoked {
        /// The token's id, the family's, or `all` of the user's.
        token,
        /// Why.
        reason
    } => "token.revoked", true;
    /// An API key was made.
    ApiKeyCreated {
        /// Its public id.
        key,
        /// What its owner calls it.
        name
    } => "api_key.created", true;
    /// An API key was revoked.
    ApiKeyRevoked {
        /// Its public id; `all` where all of a user's were.
        key
    } => "api_key.revoked", true;
    /// There is a new user.
    UserCreated => "user.created", true;
    /// A user is gone.
    UserDeleted => "user.deleted", true;
    /// Columns of a user were written.
    UserChanged {
        /// Which; never what stands in them.
        columns
    } => "user.changed", true;
    /// A password was set; all logins with the one before have ended.
    PasswordChanged => "password.changed", true;
    /// A password was hashed again, better.
    PasswordRehashed => "password.rehashed", true;
    /// A user holds a permission now.
    PermissionGranted {
        /// Its name.
        permission
    } => "permission.granted", true;
    /// A user's permission was taken away.
    PermissionRevoked {
        /// Its name.
        permission
    } => "permission.revoked", true;
    /// A user is in a group now.
    GroupJoined {
        /// Its name.
        group
    } => "group.joined", true;
    /// A user was taken out of a group.
    GroupLeft {
        /// Its name.
        group
    } => "group.left", true;
    /// A second factor was added.
    FactorAdded {
        /// Which kind.
        kind
    } => "factor.added", true;
    /// A second factor was removed.
    FactorRemoved {
        /// Which kind; `all` where all of a user's were.
        kind
    } => "factor.removed", true;
    /// An account at another provider belongs to the user now.
    IdentityLinked {
        /// Which provider.
        provider
    } => "identity.linked", true;
    /// It does not any more.
    IdentityUnlinked {
        /// Which provider.
        provider
    } => "identity.unlinked", true;
    /// A client was registered.
    ClientRegistered {
        /// Its id.
        client
    } => "client.registered", true;
    /// A client is gone; its tokens are refused.
    ClientDeleted {
        /// Its id.
        client
    } => "client.deleted", true;
    /// A client has a new secret.
    ClientSecretRotated {
        /// Its id.
        client
    } => "client.secret_rotated", true;
    /// Of a client's secrets only the newest counts.
    ClientSecretsRevoked {
        /// Its id.
        client
    } => "client.secrets_revoked", true;
    /// Somebody tried to pass for a registered client and failed. Tries beyond the limits are not told, nor names that nobody
    /// has registered.
    ClientRefused {
        /// Its id.
        client
    } => "client.refused", false;
    /// A user allowed a client something.
    ConsentGranted {
        /// The client.
        client,
        /// What it may do.
        scope
    } => "consent.granted", true;
    /// A user took it back.
    ConsentRevoked {
        /// The client.
        client
    } => "consent.revoked", true;
    /// An authorization code came twice: somebody has a copy. What was issued for it is dead.
    CodeReused {
        /// The client.
        client
    } => "code.reused", false;
    /// Something of the application's own.
    Custom {
        /// Its name.
        name,
        /// What there is to say of it.
        text
    } => "custom", true;
}

/// The most characters of a text in an event.
pub(super) const LONGEST: u16 = 256;

pub(super) fn bounded(text: &str) -> String {
    text.chars().filter(|c| is_shown(*c)).take(LONGEST.into()).collect()
}

/// Not what ends a line, nor what makes the rest of it read backwards (Unicode's bidirectional controls, CVE-2021-42574):
/// whoever reads the trail must not be shown a line that is none.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
