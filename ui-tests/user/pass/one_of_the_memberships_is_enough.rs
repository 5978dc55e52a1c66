use auth::User;
use auth::passwords::PasswordHash;
use auth::users::UserModel as _;
use chrono::{DateTime, Utc};

#[derive(User, Clone, Default)]
struct Author {
    id: i32,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    groups: Vec<String>,
}

fn main() {
    let mut author = Author::default();
    author.set_memberships(vec!["editors".into()], vec!["blog.add_post".into()]);
    assert_eq!(author.memberships(), (&["editors".to_owned()][..], &[][..]));
    // Inside a function, and beside a value with a column's name:
    #[derive(User, Clone)]
    struct Inner {
        id: i64,
        username: String,
        password_hash: PasswordHash,
        last_login: Option<DateTime<Utc>>,
        is_active: bool,
    }
    let _ = Inner::clone;
}
