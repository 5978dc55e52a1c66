use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::User;

/// A user without a password or a database row: what a token or another system said of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimpleUser {
    /// The primary key.
    pub id: Uuid,
    /// What the user logs in with.
    pub username: String,
    /// The mail address.
    pub email: String,
    /// Whether the account is in use.
    pub is_active: bool,
    /// Whether the user may enter the administration.
    pub is_admin: bool,
}

impl User for SimpleUser {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn username(&self) -> &str {
        &self.username
    }

    fn is_active(&self) -> bool {
        self.is_active
    }

    fn is_admin(&self) -> bool {
        self.is_admin
    }
}

/// Nobody: somebody who is not signed in. Takes no space, is never active and holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnonymousUser;

impl User for AnonymousUser {
    fn id(&self) -> String {
        String::new()
    }

    fn username(&self) -> &'static str {
        ""
    }

    fn is_authenticated(&self) -> bool {
        false
    }

    fn is_active(&self) -> bool {
        false
    }
}
