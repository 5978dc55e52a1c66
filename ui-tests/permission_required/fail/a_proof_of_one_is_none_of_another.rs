use auth::access::Granted;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

fn add(_: &Granted<permissions::blog::add_post>) {}

fn other(granted: Granted<permissions::blog::view_post>) {
    add(&granted);
}

fn main() {}
