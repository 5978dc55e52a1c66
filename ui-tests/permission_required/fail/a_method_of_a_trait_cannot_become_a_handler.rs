use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

trait Adds {
    async fn add() -> u8;
}

struct Service;

impl Adds for Service {
    #[permission_required("blog.add_post")]
    async fn add() -> u8 {
        1
    }
}

fn main() {}
