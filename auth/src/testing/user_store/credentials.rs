//! Passwords, and the credential version that sessions are tied to.

use super::{create, there};
use crate::passwords::PasswordHash;
use crate::testing::TestUser;
use crate::users::{PasswordChange, UserStore};

/// Who saves a profile that was read before a password change keeps the new password.
pub async fn stale_copy_does_not_undo_a_password_change<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let old = PasswordHash::new("old");
    let id = store.create(TestUser { password_hash: old, ..TestUser::named("a") }).await.unwrap().id;
    let stale = there(&store, id).await.user;
    let new = PasswordHash::new("new");
    assert!(store.set_password_hash(&id, &new, PasswordChange::NewPassword).await.unwrap());
    let credential = there(&store, id).await.credential;
    for only in [None, Some(&["password"][..])] {
        store.update(&stale, only).await.unwrap();
        let account = there(&store, id).await;
        assert!(account.user.password_hash == new && account.credential == credential);
    }
}

/// Neither does who saves what `create` gave back; a password set on it is a new one.
pub async fn created_copy_does_not_undo_a_password_change<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let user = TestUser { password_hash: PasswordHash::new("old"), ..TestUser::named("a") };
    let mut made = store.create(user).await.unwrap();
    assert!(!made.password_hash.is_changed());
    let new = PasswordHash::new("new");
    assert!(store.set_password_hash(&made.id, &new, PasswordChange::NewPassword).await.unwrap());
    let credential = there(&store, made.id).await.credential;
    for only in [None, Some(&["password"][..])] {
        store.update(&made, only).await.unwrap();
        let account = there(&store, made.id).await;
        assert!(account.user.password_hash == new && account.credential == credential);
    }
    made.password_hash = PasswordHash::new("newer");
    store.update(&made, None).await.unwrap();
    let account = there(&store, made.id).await;
    assert!(account.user.password_hash == made.password_hash && account.credential != credential);
}

/// Sessions are tied to it, so they end; writing the same hash again ends none.
pub async fn changed_password_renews_the_credential_version<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let mut user = create(&store, "a").await;
    let before = there(&store, user.id).await.credential;
    user.password_hash = PasswordHash::new("new");
    store.update(&user, None).await.unwrap();
    let first = there(&store, user.id).await;
    assert!(first.credential != before && first.user.password_hash == user.password_hash);
    store.update(&user, None).await.unwrap();
    assert_eq!(there(&store, user.id).await.credential, first.credential);
    "x".clone_into(&mut user.about);
    store.update(&user, Some(&["about"])).await.unwrap();
    assert_eq!(there(&store, user.id).await.credential, first.credential);

    let newer = PasswordHash::new("newer");
    assert!(store.set_password_hash(&user.id, &newer, PasswordChange::NewPassword).await.unwrap());
    let second = there(&store, user.id).await;
    assert!(second.credential != first.credential && second.user.password_hash == newer);
    // The same password chosen again: who asks for new sessions gets them.
    assert!(store.set_password_hash(&user.id, &newer, PasswordChange::NewPassword).await.unwrap());
    assert_ne!(there(&store, user.id).await.credential, second.credential);
    assert!(!store.set_password_hash(&-1, &newer, PasswordChange::NewPassword).await.unwrap());
}

/// Who is disabled and enabled again logs in again; what changes nothing ends nothing.
pub async fn disabled_user_is_logged_out_for_good<S: UserStore<TestUser>, K>((store, _keep): (S, K)) {
    let mut user = create(&store, "a").await;
    let mut versions = vec![there(&store, user.id).await.credential];
    for is_active in [false, true] {
        user.is_active = is_active;
        for _ in 0..2 {
            store.update(&user, Some(&["about", "is_active"])).await.unwrap();
            let account = there(&store, user.id).await;
            assert_eq!(account.user.is_active, is_active);
            versions.push(account.credential);
        }
    }
    assert!(versions[0] != versions[1] && versions[1] == versions[2]);
    assert!(versions[2] != versions[3] && versions[0] != versions[3] && versions[3] == versions[4]);

    (user.is_active, user.password_hash) = (false, PasswordHash::new("new"));
    store.update(&user, Some(&["is_active", "password"])).await.unwrap();
    let account = there(&store, user.id).await;
    assert!(account.credential != versions[4] && account.user.password_hash == user.password_hash);
}

/// A login that improves the hash ends no session, and comes too late after a password change.
pub async fn rehash_keeps_the_credential_version_and_overtakes_nothing<S: UserStore<TestUser>, K>(
    (store, _keep): (S, K),
) {
    let [old, better, new] = ["old", "better", "new"].map(PasswordHash::new);
    let user = TestUser { password_hash: old.clone(), ..TestUser::named("a") };
    let id = store.create(user).await.unwrap().id;
    let credential = there(&store, id).await.credential;
    assert!(store.set_password_hash(&id, &better, PasswordChange::Rehash(&old)).await.unwrap());
    let account = there(&store, id).await;
    assert!(account.credential == credential && account.user.password_hash == better);

    assert!(store.set_password_hash(&id, &new, PasswordChange::NewPassword).await.unwrap());
    assert!(!store.set_password_hash(&id, &old, PasswordChange::Rehash(&better)).await.unwrap());
    assert!(there(&store, id).await.user.password_hash == new);
    assert!(!store.set_password_hash(&-1, &new, PasswordChange::Rehash(&old)).await.unwrap());
}
