//! Sessions in Redis: one server, a master that sentinels name, a cluster.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use auth::clock::Clock as _;
use auth::sessions::{
    Login, RedisSessionBackend, SaveIf, Saved, SessionBackend as _, SessionDigest, SessionError, SessionKey,
    SessionLimit, SessionRecord, UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::{RedisCluster, RedisSentinel, RedisServer, TestRedis};
use chrono::TimeDelta;

async fn connect(url: &str, prefix: &str) -> (RedisSessionBackend, ManualClock) {
    let clock = ManualClock::new();
    let timeout = Duration::from_secs(10);
    let backend = RedisSessionBackend::connect_with_timeout(url, timeout).await.expect("the server is there");
    (backend.with_prefix(prefix).unwrap().with_clock(Arc::new(clock.clone())), clock)
}

fn record(clock: &ManualClock) -> SessionRecord {
    let now = clock.now();
    SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2))
}

mod single {
    use super::*;

    pub(super) async fn backend() -> (RedisSessionBackend, ManualClock, TestRedis) {
        let test = auth_tests::redis();
        let (backend, clock) = connect(&test.url, &test.prefix).await;
        (backend, clock, test)
    }

    auth::session_backend_suite!(
        #[ignore = "needs Redis"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs Redis"]
        backend
    );
}

mod cluster {
    use super::*;

    static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

    async fn backend() -> (RedisSessionBackend, ManualClock, ()) {
        let (backend, clock) = connect(&CLUSTER.url(), &auth_tests::prefix()).await;
        (backend, clock, ())
    }

    auth::session_backend_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
}

mod sentinel {
    use super::*;

    static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(RedisSentinel::start);

    async fn backend() -> (RedisSessionBackend, ManualClock, ()) {
        let (backend, clock) = connect(&SENTINEL.url(), &auth_tests::prefix()).await;
        (backend, clock, ())
    }

    auth::session_backend_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_users_set_goes_with_the_last_session() {
    let (backend, clock, test) = single::backend().await;
    let mut ours = record(&clock);
    ours.login = Some(Login::new("1", [0; 32], clock.now()));
    let ids = [SessionKey::generate().digest(), SessionKey::generate().digest()];
    for (id, hours) in ids.iter().zip([2, 1]) {
        ours.expires_at = clock.now() + TimeDelta::hours(hours);
        let saved = backend.save(id, Arc::new(ours.clone()), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
    }
    let set = format!("{}user:1", test.prefix);
    let left = test.command::<i64>(&["PTTL", &set]);
    assert!((7_140_000..=7_200_000).contains(&left), "{left}");
    // The server forgot a record by itself: its entry goes when the index is read.
    test.command::<()>(&["DEL", &format!("{}{}", test.prefix, ids[0])]);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
    assert_eq!(test.command::<Vec<String>>(&["ZRANGE", &set, "0", "-1"]), [ids[1].to_string()]);
    assert!(backend.delete(&ids[1]).await.unwrap());
    assert_eq!(test.keys(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_damaged_record_counts_as_none() {
    let (backend, clock, test) = single::backend().await;
    let id = SessionKey::generate().digest();
    let key = format!("{}{id}", test.prefix);
    for damage in [
        vec!["SET", &key, "nonsense"],
        vec!["SETRANGE", &key, "0", "\x07"],
        vec!["APPEND", &key, "x"],
        vec!["SETRANGE", &key, "4194303", "x"],
        vec!["LPUSH", &key, "x"],
    ] {
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done, "what is damaged is not in the way of {damage:?}");
        assert!(backend.exists(&id).await.unwrap());
        if damage[0] == "LPUSH" {
            test.command::<()>(&["DEL", &key]);
        }
        test.command::<()>(&damage);
        assert_eq!(backend.load(&id).await.unwrap(), None, "{damage:?}");
        assert!(!backend.exists(&id).await.unwrap(), "{damage:?}");
        let _ = backend.delete(&id).await.unwrap();
        assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0, "{damage:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn the_server_forgets_a_record_with_its_session() {
    let (backend, clock, test) = single::backend().await;
    let id = SessionKey::generate().digest();
    let key = format!("{}{id}", test.prefix);
    // However wrong the server's clock is, or ours.
    for hours in [0, -24 * 365 * 20, 24 * 365 * 40] {
        clock.advance(TimeDelta::hours(hours));
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((3_540_000..=3_600_000).contains(&left), "{left}");
        let (now, later) = (clock.now(), clock.now() + TimeDelta::minutes(90));
        assert!(backend.touch(&id, now, later).await.unwrap());
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((5_340_000..=5_400_000).contains(&left), "{left}");
        assert!(backend.delete(&id).await.unwrap());
    }
    let mut ended = record(&clock);
    ended.expires_at = clock.now();
    assert_eq!(backend.save(&id, Arc::new(ended), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn scripts_come_back_after_the_server_forgot_them() {
    let (backend, clock, test) = single::backend().await;
    test.command::<()>(&["SCRIPT", "FLUSH"]);
    let id = SessionKey::generate().digest();
    let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert!(backend.delete(&id).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://:hunter2@{}", silent.local_addr().unwrap());
    let timeout = Duration::from_millis(100);
    for url in [url.as_str(), "redis://:hunter2@127.0.0.1:1"] {
        let started = Instant::now();
        let error = RedisSessionBackend::connect_with_timeout(url, timeout).await.unwrap_err();
        assert!(matches!(error, SessionError::Store(_)), "{error:?}");
        assert!(started.elapsed() < timeout * 10);
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    for url in ["redis:", "redis://", "http://127.0.0.1", "redis://127.0.0.1?x=1"] {
        let error = RedisSessionBackend::connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn an_address_says_the_prefix_and_prefixes_are_kept_apart() {
    let test = auth_tests::redis();
    let clock = ManualClock::new();
    let mut apart = Vec::new();
    for name in ["a", "b"] {
        let url = format!("{}?prefix={}{name}:&timeout=10000", test.url, test.prefix);
        apart.push(RedisSessionBackend::connect(url.as_str()).await.unwrap().with_clock(Arc::new(clock.clone())));
    }
    let id = SessionKey::generate().digest();
    assert_eq!(apart[0].save(&id, login(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert!(!apart[1].exists(&id).await.unwrap());
    assert_eq!((apart[0].count_of("1").await.unwrap(), apart[1].count_of("1").await.unwrap()), (1, 0));
    assert_eq!(apart[1].delete_all_of("1", None).await.unwrap(), 0);
    let mut keys = test.keys();
    keys.sort_unstable();
    assert_eq!(keys, [format!("{}a:{id}", test.prefix), format!("{}a:user:1", test.prefix)]);
    for bad in ["", ":", "a", "a b:", "a{b}:", "a*:", "ä:", &format!("{}:", "x".repeat(64))] {
        let refused = apart[0].clone().with_prefix(bad).unwrap_err();
        assert!(matches!(refused, SessionError::Configuration(_)), "{bad}");
    }
}

fn login(clock: &ManualClock) -> Arc<SessionRecord> {
    let mut login = record(clock);
    login.login = Some(Login::new("1", [0; 32], clock.now()));
    Arc::new(login)
}

async fn log_in(backend: RedisSessionBackend, clock: ManualClock, limit: SessionLimit) -> Result<Saved, SessionError> {
    let id = SessionKey::generate().digest();
    backend.save_within(&id, login(&clock), SaveIf::Absent, limit).await
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_login_that_broke_off_holds_its_place_for_half_a_minute() {
    let (backend, clock, test) = single::backend().await;
    let (id, index) = (SessionKey::generate().digest(), format!("{}user:1", test.prefix));
    let score = |seconds| (clock.now() + TimeDelta::seconds(seconds)).timestamp_micros().to_string();
    test.command::<()>(&["ZADD", &index, &score(3600), &id.to_string()]);
    test.command::<()>(&["ZADD", &index, &score(30), &format!("?{id}0123456789abcdef")]);
    let limit = SessionLimit::refuse(1);
    let refused = log_in(backend.clone(), clock.clone(), limit).await;
    assert!(matches!(refused, Err(SessionError::LimitReached { max: 1 })), "{refused:?}");
    assert_eq!(backend.count_of("1").await.unwrap(), 0);
    clock.advance(TimeDelta::seconds(30));
    assert_eq!(log_in(backend.clone(), clock.clone(), limit).await.unwrap(), Saved::Done);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis"]
async fn a_hundred_logins_by_two_servers_stay_within_the_limit() {
    let test = auth_tests::redis();
    let (one, clock) = connect(&test.url, &test.prefix).await;
    let (other, _) = connect(&test.url, &test.prefix).await;
    let backends = [one.clone(), other.with_clock(Arc::new(clock.clone()))];
    for limit in [SessionLimit::refuse(3), SessionLimit::end_oldest(3)] {
        let logins: Vec<_> = (0..100)
            .map(|i| {
                let (backend, clock) = (backends[i % 2].clone(), clock.clone());
                tokio::spawn(async move {
                    let result = log_in(backend.clone(), clock, limit).await;
                    assert!(backend.count_of("1").await.unwrap() <= 3);
                    result
                })
            })
            .collect();
        let mut inside = 0;
        for login in logins {
            match login.await.unwrap() {
                Ok(saved) => inside += usize::from(saved == Saved::Done),
                Err(error) => assert!(matches!(error, SessionError::LimitReached { max: 3 }), "{error:?}"),
            }
        }
        assert_eq!(inside, if limit == SessionLimit::refuse(3) { 3 } else { 100 });
        assert_eq!(one.sessions_of("1").await.unwrap().len(), 3);
        assert_eq!(one.delete_all_of("1", None).await.unwrap(), 3);
        assert_eq!(test.keys(), Vec::<String>::new());
    }
}

const TIMEOUT: Duration = Duration::from_secs(1);

/// Asks until there are answers again, of which none is late and none says that a session is gone.
async fn service_resumes(backend: &RedisSessionBackend, ids: &[SessionDigest], clock: &ManualClock) {
    let started = Instant::now();
    for id in ids {
        loop {
            let asked = Instant::now();
            let found = backend.exists(id).await;
            assert!(asked.elapsed() < TIMEOUT * 3, "{:?}", asked.elapsed());
            match found {
                Ok(found) => break assert!(found, "what was there stays there"),
                Err(error) => assert!(matches!(error, SessionError::Store(_)), "{error:?}"),
            }
            assert!(started.elapsed() < Duration::from_secs(40), "there is no service");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let later = clock.now() + TimeDelta::minutes(90);
        while !matches!(backend.touch(id, clock.now(), later).await, Ok(true)) {
            assert!(started.elapsed() < Duration::from_secs(40), "nothing can be changed");
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
    auth_tests::until("the replica takes over", || {
        servers.replica.command::<String>(&["INFO", "replication"]).contains("role:master")
    });
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
    assert!(matches!(error, SessionError::Store(_)) && started.elapsed() < Duration::from_secs(3));
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

#[tokio::test]
#[ignore = "needs redis-server"]
async fn tls_is_spoken_with_those_who_are_trusted() {
    let (_server, url) = RedisServer::start_with_tls();
    let (backend, clock) = connect(&url, "tls:").await;
    let id = SessionKey::generate().digest();
    assert_eq!(backend.save(&id, login(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
    let (untrusted, _) = url.split_once('?').unwrap();
    let error = RedisSessionBackend::connect(untrusted).await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");
    let other_name = url.replace("127.0.0.1", "localhost");
    assert!(RedisSessionBackend::connect(other_name.as_str()).await.is_err());
    let missing = format!("{untrusted}?ca=/nowhere/ca.pem");
    let error = RedisSessionBackend::connect(missing.as_str()).await.unwrap_err();
    assert!(matches!(error, SessionError::Configuration(_)), "{error:?}");
}

mod invalidations {
    use std::sync::Mutex;

    use auth::sessions::{Invalidated, RedisInvalidations, SessionInvalidations as _};

    use super::*;

    /// Another process, and what it heard.
    struct Listener {
        heard: Arc<Mutex<Vec<Invalidated>>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Listener {
        fn of(invalidations: &RedisInvalidations) -> Self {
            let (invalidations, heard) = (invalidations.clone(), Arc::<Mutex<Vec<_>>>::default());
            let into = heard.clone();
            let task = tokio::spawn(async move {
                invalidations.listen(Arc::new(move |invalidated| into.lock().unwrap().push(invalidated))).await;
            });
            Self { heard, task }
        }

        async fn hears(&self, what: Invalidated) {
            let started = Instant::now();
            while !self.heard.lock().unwrap().contains(&what) {
                assert!(started.elapsed() < Duration::from_secs(30), "{what:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    impl Drop for Listener {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    async fn others_hear(url: &str) {
        let url = format!("{url}?prefix={}", auth_tests::prefix());
        let (one, other) = (connect(&url).await, connect(&url).await);
        let (ours, theirs) = (Listener::of(&one), Listener::of(&other));
        for listener in [&ours, &theirs] {
            listener.hears(Invalidated::All).await;
        }
        let [first, second] = [(); 2].map(|()| SessionKey::generate().digest());
        one.publish(&first).await.unwrap();
        other.publish(&second).await.unwrap();
        theirs.hears(Invalidated::One(first)).await;
        ours.hears(Invalidated::One(second)).await;
        assert!(!ours.heard.lock().unwrap().contains(&Invalidated::One(first)), "nobody hears their own");
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
        theirs.hears(Invalidated::All).await;
        theirs.heard.lock().unwrap().clear();
        server.kill();
        theirs.hears(Invalidated::All).await;
        server.start_again();
        let (id, started) = (SessionKey::generate().digest(), Instant::now());
        while !theirs.heard.lock().unwrap().contains(&Invalidated::One(id)) {
            drop(one.publish(&id).await);
            assert!(started.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
