use auth::passwords::{PasswordError, PasswordHash, PasswordHasher};

#[auth::password_hasher("plain")]
#[derive(Debug)]
struct Plain;


impl PasswordHasher for Plain {
    fn hash(&self, _: &str) -> Result<PasswordHash, PasswordError> {
        unimplemented!()
    }

    fn verify(&self, _: &str, _: &PasswordHash) -> Result<bool, PasswordError> {
        unimplemented!()
    }

    fn needs_rehash(&self, _: &PasswordHash) -> bool {
        false
    }
}

fn main() {}
