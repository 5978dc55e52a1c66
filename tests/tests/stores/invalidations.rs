//! What one process tells others of changed sessions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auth::sessions::{Invalidated, Listening, RedisInvalidations, SessionInvalidations as _, SessionKey};
use auth_tests::{PATIENCE, RedisCluster, RedisSentinel, RedisServer};

/// What another process heard.
struct Listener {
    heard: Arc<Mutex<Vec<Invalidated>>>,
    _listening: Listening,
}

impl Listener {
    fn of(invalidations: &RedisInvalidations) -> Self {
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let into = heard.clone();
        let listening = invalidations.listen(Arc::new(move |invalidated| into.lock().unwrap().push(invalidated)));
        Self { heard, _listening: listening }
    }

    async fn hears(&self, what: Invalidated) {
        let started = Instant::now();
        while !self.heard.lock().unwrap().contains(&what) {
            assert!(started.elapsed() < PATIENCE, "{what:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn others_hear(url: &str) {
    let url = format!("{url}?prefix={}", auth_tests::prefix());
    let (one, other) = (connect(&url).await, connect(&url).await);
    let (ours, theirs) = (Listener::of(&one), Listener::of(&other));
    for listener in [&ours, &theirs] {
        listener.hears(Invalidated::Every).await;
    }
    let [first, second] = [(); 2].map(|()| SessionKey::generate().digest());
    one.publish(Invalidated::One(first));
    other.publish(Invalidated::One(second));
    theirs.hears(Invalidated::One(first)).await;
    ours.hears(Invalidated::One(second)).await;
    assert!(!ours.heard.lock().unwrap().contains(&Invalidated::One(first)), "nobody hears their own");
    theirs.heard.lock().unwrap().clear();
    one.publish(Invalidated::Every);
    theirs.hears(Invalidated::Every).await;
}

async fn connect(url: &str) -> RedisInvalidations {
    RedisInvalidations::connect(url).await.unwrap()
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn others_hear_of_a_change() {
    others_hear(&auth_tests::redis().url).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn others_hear_of_a_change_in_a_cluster() {
    others_hear(&RedisCluster::start().url()).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn others_hear_of_a_change_with_sentinels() {
    others_hear(&RedisSentinel::start().url()).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_subscription_that_broke_is_made_again_and_all_may_have_changed() {
    let mut server = RedisServer::start();
    let (one, other) = (connect(&server.url()).await, connect(&server.url()).await);
    let theirs = Listener::of(&other);
    theirs.hears(Invalidated::Every).await;
    theirs.heard.lock().unwrap().clear();
    server.kill();
    theirs.hears(Invalidated::Every).await;
    server.start_again();
    let (id, started) = (SessionKey::generate().digest(), Instant::now());
    while !theirs.heard.lock().unwrap().contains(&Invalidated::One(id)) {
        one.publish(Invalidated::One(id));
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
