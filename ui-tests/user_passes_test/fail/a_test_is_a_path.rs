#[auth::user_passes_test(|user| true)]
async fn handler() {}

fn main() {}
