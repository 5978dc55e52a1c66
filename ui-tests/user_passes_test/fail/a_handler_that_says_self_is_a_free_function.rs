use auth::access::CurrentUser;

struct Author;

impl Author {
    fn is_adult(_: &CurrentUser<Self>) -> bool {
        true
    }

    #[auth::user_passes_test(Self::is_adult)]
    async fn handler() {}
}

fn main() {}
