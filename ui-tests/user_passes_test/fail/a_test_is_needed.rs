#[auth::user_passes_test]
async fn handler() {}

fn main() {}
