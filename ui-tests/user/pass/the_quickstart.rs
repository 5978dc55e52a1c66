//! The user of the first program: the mail address is what the user logs in with.
use auth::database::{Model as _, Role};
use auth::passwords::PasswordHash;
use auth::users::{BaseUser as _, PermissionsMixin as _, User as _, UserModel as _};
use auth::User;
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(User, Clone, Default)]
#[user(table = "author", username = email)]
struct Author {
    id: Uuid,
    email: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    is_superuser: bool,
    groups: Vec<String>,
    user_permissions: Vec<String>,
    #[user(editable)]
    pen_name: String,
    #[user(json)]
    tags: Vec<String>,
    #[user(skip)]
    seen: Vec<Uuid>,
    #[user(column = "number", unique)]
    r#type: i64,
}

fn main() {
    let mut author = Author { email: "a@b.example".into(), is_superuser: true, ..Author::default() };
    let columns: Vec<_> = Author::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(
        columns,
        [
            "id", "email", "password", "last_login", "is_active", "is_superuser", "pen_name", "tags",
            "number",
        ]
    );
    assert_eq!(Author::TABLE, "author");
    let email = Author::column_of(Role::Username).unwrap();
    assert!(email.is(Role::Email) && email.unique);
    assert_eq!(Author::COLUMNS.iter().filter(|column| column.editable).count(), 1);
    assert_eq!(Author::get_username_field(), "email");
    assert_eq!(Author::normalize_username("Ａ@B.example"), "a@b.example");
    assert_eq!(author.username(), "a@b.example");
    assert!(author.is_superuser() && !author.is_admin());
    assert_eq!(author.values().unwrap().len(), columns.len());
    author.set_memberships(vec!["editors".into()], vec!["blog.add_post".into()]);
    assert_eq!(author.memberships().0, ["editors"]);
    assert_eq!(author.user_permissions(), ["blog.add_post"]);
    let _ = (&author.seen, &author.r#type);
}
