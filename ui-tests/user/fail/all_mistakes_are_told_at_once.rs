use auth::User;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone)]
#[user(table = "Author", tabel = "x")]
struct Author {
    id: Uuid,
    username: String,
    password_hash: String,
    last_login: Option<DateTime<Utc>>,
    is_active: i32,
    #[user(skip, json)]
    notes: String,
}

fn main() {}
