//! Redis whose master dies, hangs, steps down; a cluster whose node dies, or gives a slot away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::clock::Clock as _;
use auth::sessions::{
    RedisSessionBackend, SaveIf, Saved, SessionBackend as _, SessionDigest, SessionError, SessionKey, UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::{PATIENCE, RedisCluster, RedisSentinel, RedisServer};
use chrono::TimeDelta;

use crate::redis::{login, record};

const TIMEOUT: Duration = Duration::from_secs(1);

/// Asks until there are answers again, of which none is late and none says that a session is gone.
async fn service_resumes(backend: &RedisSessionBackend, ids: &[SessionDigest], clock: &ManualClock) {
    let started = Instant::now();
    for id in ids {
        loop {
            let asked = Instant::now();
            let found = backend.exists(id).await;
            assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
            match found {
                Ok(found) => break assert!(found, "what was there stays there"),
                Err(error) => assert!(matches!(error, SessionError::Store(_)), "{error:?}"),
            }
            assert!(started.elapsed() < PATIENCE, "there is no service");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let later = clock.now() + TimeDelta::minutes(90);
        while !matches!(backend.touch(id, clock.now(), later).await, Ok(true)) {
            assert!(started.elapsed() < PATIENCE, "nothing can be changed");
        }
    }
}

async fn sessions(backend: &RedisSessionBackend, clock: &ManualClock) -> Vec<SessionDigest> {
    let mut ids = Vec::new();
    for _ in 0..12 {
        let id = SessionKey::generate().digest();
        assert_eq!(backend.save(&id, login(clock), SaveIf::Absent).await.unwrap(), Saved::Done);
        ids.push(id);
    }
    ids
}

async fn survives_a_failover(what: impl FnOnce(&mut RedisSentinel)) {
    let mut servers = RedisSentinel::start();
    let clock = ManualClock::new();
    let backend = RedisSessionBackend::connect_with_timeout(servers.url().as_str(), TIMEOUT).await.unwrap();
    let backend = backend.with_clock(Arc::new(clock.clone()));
    let ids = sessions(&backend, &clock).await;
    let kept = || servers.replica.command::<Vec<String>>(&["KEYS", "*"]).len() > 12;
    auth_tests::until("the replica has all", kept);
    what(&mut servers);
    auth_tests::until("the replica takes over", || servers.replica.says(&["INFO", "replication"], "role:master"));
    service_resumes(&backend, &ids, &clock).await;
    assert_eq!(backend.count_of("1").await.unwrap(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn when_the_master_dies_the_next_one_serves() {
    survives_a_failover(|servers| servers.master.kill()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn when_the_master_hangs_the_next_one_serves() {
    survives_a_failover(|servers| servers.master.signal("STOP")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn when_the_master_steps_down_the_next_one_serves() {
    survives_a_failover(|servers| servers.fail_over()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn without_sentinels_there_is_an_error_in_time() {
    let url = "redis+sentinel://:hunter2@127.0.0.1:1/blog/0?sentinel_password=hunter2";
    let started = Instant::now();
    let error = RedisSessionBackend::connect_with_timeout(url, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)) && started.elapsed() < PATIENCE);
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn when_a_node_of_a_cluster_dies_its_replica_serves() {
    let mut cluster = RedisCluster::start();
    let clock = ManualClock::new();
    let backend = RedisSessionBackend::connect_with_timeout(cluster.url().as_str(), TIMEOUT).await.unwrap();
    let backend = backend.with_clock(Arc::new(clock.clone()));
    let ids = sessions(&backend, &clock).await;
    let on = |node: &RedisServer| node.command::<Vec<String>>(&["KEYS", "*"]).len();
    assert!(cluster.nodes[..3].iter().map(on).sum::<usize>() == 13);
    auth_tests::until("the replica has all", || on(&cluster.nodes[3]) == on(&cluster.nodes[0]));
    cluster.nodes[0].kill();
    service_resumes(&backend, &ids, &clock).await;
    assert_eq!(backend.count_of("1").await.unwrap(), 12);
    assert_eq!(backend.delete_all_of("1", None).await.unwrap(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_key_that_moves_to_another_node_is_found() {
    let cluster = RedisCluster::start();
    let clock = ManualClock::new();
    let backend = RedisSessionBackend::connect(cluster.url().as_str()).await.unwrap();
    let backend = backend.with_clock(Arc::new(clock.clone()));
    let id = SessionKey::generate().digest();
    assert_eq!(backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap(), Saved::Done);
    let key = format!("{}{id}", RedisSessionBackend::PREFIX);
    let slot = cluster.nodes[0].command::<u64>(&["CLUSTER", "KEYSLOT", &key]).to_string();
    let from = cluster
        .nodes
        .iter()
        .position(|node| {
            node.command::<String>(&["CLUSTER", "NODES"])
                .lines()
                .any(|line| line.contains("myself,master") && owns(line, &slot))
        })
        .unwrap();
    let (from, to) = (&cluster.nodes[from], &cluster.nodes[(from + 1) % 3]);
    let name = |node: &RedisServer| node.command::<String>(&["CLUSTER", "MYID"]);
    to.command::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &name(from)]);
    from.command::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &name(to)]);
    from.command::<()>(&["MIGRATE", "127.0.0.1", &to.port.to_string(), &key, "0", "5000"]);
    // Half way: the old node knows that the new one has it.
    assert!(backend.exists(&id).await.unwrap());
    assert!(backend.touch(&id, clock.now(), clock.now() + TimeDelta::minutes(90)).await.unwrap());
    for node in [to, from] {
        node.command::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &name(to)]);
    }
    assert!(backend.exists(&id).await.unwrap());
    assert!(backend.delete(&id).await.unwrap());
}

fn owns(line: &str, slot: &str) -> bool {
    let slot: u64 = slot.parse().unwrap();
    let range = line.split(' ').filter_map(|word| word.split_once('-'));
    range
        .filter_map(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)))
        .any(|(from, to): (u64, u64)| (from..=to).contains(&slot))
}
