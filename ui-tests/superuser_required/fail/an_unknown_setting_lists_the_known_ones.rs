#[auth::superuser_required(on = post)]
async fn handler() {}

fn main() {}
