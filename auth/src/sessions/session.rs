/// x
#[derive(Debug)]
pub struct Session;
/// x
#[derive(Debug)]
pub struct Lifetime;
