use auth::User;
use uuid::Uuid;

#[derive(User, Clone)]
struct Author {
    id: Uuid,
}

fn main() {}
