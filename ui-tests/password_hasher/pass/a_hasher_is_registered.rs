use auth::passwords::{PasswordError, PasswordHash, PasswordHasher};

#[auth::password_hasher("plain_2-x")]
#[derive(Debug, Default)]
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

fn main() {
    use auth::passwords::PasswordHasherEntry;
    let entry = auth::registry::find::<PasswordHasherEntry>("plain_2-x").unwrap();
    assert!(!(entry.make)().needs_rehash(&PasswordHash::default()));
}
