use auth::User;
use auth::passwords::PasswordHash;
use chrono::DateTime;
use uuid::Uuid;

#[derive(User, Clone)]
struct Author {
    id: Uuid,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<chrono::FixedOffset>>,
    is_active: bool,
}

fn main() {}
