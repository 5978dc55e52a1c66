use auth::User;

#[derive(User)]
union Author {
    id: i64,
}

fn main() {}
