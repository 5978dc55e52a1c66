use auth::database::Model as _;
use auth::users::DefaultUser;

fn is_full<U: auth::users::FullUser + auth::users::PermissionsMixin + auth::users::UserModel>() {}

fn main() {
    is_full::<DefaultUser>();
    assert_eq!(DefaultUser::TABLE, "auth_user");
    let editable: Vec<_> =
        DefaultUser::COLUMNS.iter().filter(|column| column.editable).map(|column| column.name).collect();
    assert_eq!(editable, ["email", "first_name", "last_name"]);
}
