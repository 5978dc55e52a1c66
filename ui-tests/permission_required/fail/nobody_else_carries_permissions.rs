use auth::access::{Principal, Subject};

struct Me;

impl Subject for Me {
    fn principal(&self) -> &Principal {
        unimplemented!()
    }
}

fn main() {}
