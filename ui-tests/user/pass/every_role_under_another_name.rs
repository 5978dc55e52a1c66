use auth::User;
use auth::database::{Model as _, Role};
use auth::passwords::{Argon2Hasher, PasswordHash};
use auth::users::{BaseUser as _, FullUser as _, PermissionsMixin as _, User as _, UserModel as _};
use chrono::{DateTime, Utc};

#[derive(User, Clone)]
#[user(hasher = Argon2Hasher, crate = ::auth)]
pub struct HTTPUser {
    #[user(id, column = "key")]
    key_of_user: String,
    #[user(username)]
    login: String,
    #[user(email, unique, editable)]
    address: String,
    #[user(password_hash, column = "secret")]
    secret_hash: PasswordHash,
    #[user(last_login)]
    seen: Option<DateTime<Utc>>,
    #[user(is_active)]
    r#in: bool,
    #[user(is_staff)]
    staff: bool,
    #[user(is_superuser)]
    root: bool,
    #[user(first_name)]
    first: String,
    #[user(last_name)]
    last: String,
    #[user(date_joined)]
    joined: DateTime<Utc>,
    #[user(groups)]
    teams: Vec<String>,
    #[user(user_permissions)]
    rights: Vec<String>,
}

fn main() {
    let mut user = HTTPUser {
        key_of_user: "k".into(),
        login: "l".into(),
        address: "a@b".into(),
        secret_hash: PasswordHash::default(),
        seen: None,
        r#in: true,
        staff: true,
        root: false,
        first: "F".into(),
        last: "L".into(),
        joined: DateTime::UNIX_EPOCH,
        teams: vec![],
        rights: vec!["a.b".into()],
    };
    assert_eq!(HTTPUser::TABLE, "http_user");
    let names: Vec<_> = HTTPUser::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(
        names,
        ["key", "login", "address", "secret", "seen", "in", "staff", "root", "first", "last", "joined"]
    );
    for (place, role) in [
        Role::Id, Role::Username, Role::Email, Role::Password, Role::LastLogin, Role::IsActive,
        Role::IsStaff, Role::IsSuperuser, Role::FirstName, Role::LastName, Role::DateJoined,
    ]
    .into_iter()
    .enumerate()
    {
        assert!(HTTPUser::COLUMNS[place].is(role));
    }
    assert_eq!((user.id(), user.primary_key().as_str()), ("k".into(), "k"));
    assert_eq!((user.username(), HTTPUser::get_username_field()), ("l", "login"));
    assert_eq!((user.email(), user.get_full_name()), ("a@b", "F L".into()));
    assert!(user.is_active() && user.is_admin() && user.is_staff() && !user.is_superuser());
    assert_eq!(user.date_joined(), DateTime::UNIX_EPOCH);
    assert_eq!((user.groups(), user.user_permissions()), (&[][..], &["a.b".to_owned()][..]));
    user.set_last_login(DateTime::UNIX_EPOCH);
    assert_eq!(user.last_login(), Some(DateTime::UNIX_EPOCH));
    user.set_password_hash(PasswordHash::new("x"));
    assert_eq!(user.password_hash().expose(), "x");
    user.set_primary_key("n".into());
    user.set_username("m".into());
    assert_eq!((user.id(), user.username()), ("n".into(), "m"));
    // An address that is not the name keeps its letters.
    assert_eq!(HTTPUser::normalize_username("Ａb"), "Ab");
}
