//! Users whose passwords another system hashed log in, and are upgraded by it.

use auth::Auth;
use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::passwords::{Argon2Hasher, PasswordHash, PasswordHashers, Passwords, Pepper, PepperedHasher};
use auth::users::{BaseUserManager as _, DefaultUser, Extra, PasswordChange};

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "u7Fw2Kp9qLm4Zx8Vb3Nc1Td6Yh5Rg0Js";

async fn logs_in(auth: &Auth<DefaultUser>, password: &str) -> bool {
    let credentials = AuthCredentials::password("ada", password);
    match auth.log_in(&auth.new_session(), credentials, &Origin::unknown()).await {
        Ok(_) => true,
        Err(AuthenticationError::InvalidCredentials) => false,
        Err(other) => panic!("{other:?}"),
    }
}

async fn algorithm(auth: &Auth<DefaultUser>) -> String {
    let user = auth.users().get_by_username("ada").await.unwrap().unwrap();
    user.password_hash.algorithm().to_owned()
}

#[tokio::test]
async fn a_login_upgrades_a_hash_of_another_system_and_a_pepper_comes_on_top() {
    let plain = Passwords::new(PasswordHashers::new(Argon2Hasher::default()));
    let hasher = PepperedHasher::new(Pepper::new("2027", SECRET).unwrap(), Argon2Hasher::default());
    let peppered = Passwords::new(PasswordHashers::new(hasher));
    for (passwords, upgraded) in [(plain, "argon2id"), (peppered, "pepper")] {
        let auth = Auth::<DefaultUser>::builder().passwords(passwords).build().await.unwrap();
        let user = auth.users().create_user("ada", None, Extra::new()).await.unwrap();
        assert!(!logs_in(&auth, PASSWORD).await);
        for (hash, old) in [
            ("$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", "2y"),
            ("$pbkdf2$1212$yJmTknIOgZCy1lrr3Zszxg$O3Na1KiTrxFq./QmyTjnH8OHRKI", "pbkdf2"),
            ("$scrypt$ln=4,r=8,p=2$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo", "scrypt"),
        ] {
            let hash = PasswordHash::new(hash);
            auth.users().store().set_password_hash(&user.id, &hash, PasswordChange::NewPassword).await.unwrap();
            assert!(!logs_in(&auth, "another").await);
            assert_eq!(algorithm(&auth).await, old);
            assert!(logs_in(&auth, PASSWORD).await, "{old}");
            assert_eq!(algorithm(&auth).await, upgraded);
            assert!(logs_in(&auth, PASSWORD).await, "{old}");
        }
    }
}
