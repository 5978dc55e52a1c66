use auth::User;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone)]
struct Author {
    id: Uuid,
    username: String,
    password_hash: String,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
}

fn main() {}
