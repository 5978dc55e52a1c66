use auth::User;
use auth::passwords::PasswordHash;
use chrono::{DateTime, Utc};

#[derive(User, Clone)]
struct Author {
    id: Key,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
}

#[derive(Clone)]
struct Key;

fn main() {}
