use auth::User;
use auth::passwords::PasswordHash;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone)]
#[user(username = email)]
struct Author {
    id: Uuid,
    #[user(username)]
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    email: String,
}

fn main() {}
