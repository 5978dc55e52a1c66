use auth::User;
use auth::passwords::PasswordHash;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone)]
struct Author<'a> {
    id: Uuid,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    pen_name: &'a str,
}

fn main() {}
