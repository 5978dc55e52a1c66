use auth::User;
use auth::passwords::PasswordHash;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone)]
struct Author {
    id: Uuid,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    #[user(json)]
    look: Look,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Look {
    theme: String,
}

fn main() {}
