use auth::User;

#[derive(User, Clone, Copy)]
union Author {
    id: i64,
}

fn main() {}
