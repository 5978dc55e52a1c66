//! A site whose database is killed, hangs, and comes back, under load.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auth::BoxFuture;
use auth::limits::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Limiter, LoginLimiter, Settlement, Tries};
use auth::passwords::{PasswordError, PasswordHasher, PasswordHashers, Passwords};
use auth::prelude::*;
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::{DatabaseServer, PATIENCE, TestDirectory};
use axum::http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::kept::Kept;

const CLIENTS: usize = 16;
/// What a client thinks between two requests, so that the machine is not what is tested.
const PAUSE: Duration = Duration::from_millis(20);
const MOST_REQUESTS: usize = 20_000;

/// Counts nothing: these visitors log in more often than people do.
#[derive(Debug)]
struct Unlimited;

impl LimitStore for Unlimited {
    fn attempt<'a>(
        &'a self,
        keys: &'a [(LimitKey, LimitRule)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(async { Ok(Attempt::Counted(vec![Tries { count: 1, not_before: 0, expires: 0 }; keys.len()])) })
    }

    fn settle<'a>(
        &'a self,
        _: &'a [(LimitKey, Settlement)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Takes no time: it is not hashing that is tested.
#[derive(Debug)]
struct Quick;

impl PasswordHasher for Quick {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        Ok(PasswordHash::new(format!("$argon2id${password}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        Ok(self.hash(password)?.expose() == hash.expose())
    }

    fn needs_rehash(&self, _: &PasswordHash) -> bool {
        false
    }
}

async fn site(url: &str) -> Kept {
    let limiter = LoginLimiter::new(Limiter::new(Arc::new(Unlimited), Arc::new(auth::clock::SystemClock)));
    let passwords = Passwords::new(PasswordHashers::new(Quick));
    let builder = Auth::builder().database(url).sessions("database:");
    Kept::start(builder.login_limiter(limiter).passwords(passwords)).await
}

/// An answer, and from when till when it took.
type Timed = (StatusCode, Instant, Instant);

async fn timed(answer: impl Future<Output = StatusCode>) -> Timed {
    let began = Instant::now();
    let status = answer.await;
    assert!(began.elapsed() < PATIENCE, "{status} after {:?}", began.elapsed());
    (status, began, Instant::now())
}

/// Many who are logged in, and some who log in and out all the time.
struct Load {
    over: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
    closed: JoinSet<Vec<Timed>>,
    changes: JoinSet<()>,
    log: Arc<Mutex<Log>>,
}

/// The cookies of those who were told that they are logged in, and of those who were told that they are logged out.
#[derive(Clone, Default)]
struct Log {
    logged_in: Vec<String>,
    logged_out: Vec<String>,
}

impl Load {
    fn on(site: &Kept, visitor: &Visitor) -> Self {
        let mut load = Self {
            over: Arc::default(),
            answers: Arc::default(),
            refusals: Arc::default(),
            logins: Arc::default(),
            closed: JoinSet::new(),
            changes: JoinSet::new(),
            log: Arc::default(),
        };
        for _ in 0..CLIENTS {
            let (over, answers, refusals) = (load.over.clone(), load.answers.clone(), load.refusals.clone());
            let visitor = visitor.clone();
            load.closed.spawn(async move {
                let mut all = Vec::new();
                while !over.load(Ordering::SeqCst) && all.len() < MOST_REQUESTS {
                    let answer = timed(async { visitor.get("/closed").await.status }).await;
                    let counter = if answer.0 == StatusCode::OK { &answers } else { &refusals };
                    counter.fetch_add(1, Ordering::SeqCst);
                    all.push(answer);
                    tokio::time::sleep(PAUSE).await;
                }
                all
            });
        }
        for client in 0..4 {
            let (over, log, logins) = (load.over.clone(), load.log.clone(), load.logins.clone());
            let address = site.address.clone();
            load.changes.spawn(async move {
                for round in 0..MOST_REQUESTS {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    log_in_and_out(&Visitor::new(&address), round % 2 == client % 2, &log).await;
                    logins.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        load
    }

    /// Waits until so many more requests were answered in that way.
    async fn more(counter: &AtomicUsize, number: usize) {
        let (start, began) = (counter.load(Ordering::SeqCst), Instant::now());
        while counter.load(Ordering::SeqCst) < start + number {
            assert!(began.elapsed() < PATIENCE, "the load has stopped");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> Log {
        self.log.lock().unwrap().clone()
    }

    /// Whoever asked while there was no answer got none, and nobody was ever logged out.
    async fn end(mut self, down: (Instant, Instant)) {
        self.over.store(true, Ordering::SeqCst);
        let mut refused = 0;
        while let Some(answers) = self.closed.join_next().await {
            for (status, began, ended) in answers.unwrap() {
                if down.0 < began && ended < down.1 {
                    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "no access without an answer");
                    refused += 1;
                } else {
                    assert!(matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE), "{status}");
                }
            }
        }
        assert!(refused >= CLIENTS, "{refused}");
        while let Some(done) = self.changes.join_next().await {
            done.unwrap();
        }
    }
}

async fn log_in_and_out(visitor: &Visitor, stays: bool, log: &Mutex<Log>) {
    let body = json!({ "username": "bob", "password": PASSWORD });
    let (status, ..) = timed(async { visitor.post("/login", &body).await.status }).await;
    let cookie = visitor.cookie();
    if status != StatusCode::OK {
        assert_eq!((status, cookie), (StatusCode::SERVICE_UNAVAILABLE, None));
        return;
    }
    let cookie = cookie.unwrap();
    if stays {
        log.lock().unwrap().logged_in.push(cookie);
        return;
    }
    let (status, ..) = timed(async { visitor.post("/logout", &json!({})).await.status }).await;
    if status == StatusCode::NO_CONTENT {
        log.lock().unwrap().logged_out.push(cookie);
    } else {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// Whatever else is asked, there is no access either.
async fn is_out_of_service(site: &Kept, visitor: &Visitor, leaving: &Visitor) {
    let mut requests = JoinSet::new();
    for path in ["/me", "/publish", "/maybe", "/model", "/read-only-for-strangers"] {
        let visitor = visitor.clone();
        requests.spawn(async move { timed(async { visitor.get(path).await.status }).await.0 });
    }
    // A server that hangs may do what it was told when it goes on.
    let (out, stranger) = (leaving.clone(), site.visitor());
    requests.spawn(async move { timed(async { out.post("/logout", &json!({})).await.status }).await.0 });
    requests.spawn(async move {
        let body = json!({ "username": "alice", "password": PASSWORD });
        let status = timed(async { stranger.post("/login", &body).await.status }).await.0;
        assert_eq!(stranger.cookie(), None);
        status
    });
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK, "what asks nothing needs no store");
}

/// Service resumes by itself, soon.
async fn is_in_service(site: &Kept, visitor: &Visitor) {
    let began = Instant::now();
    while visitor.get("/closed").await.status != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE, "service has not resumed");
    }
    let resumed = site.visitor();
    let body = json!({ "username": "alice", "password": PASSWORD });
    while resumed.post("/login", &body).await.status != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE, "logins have not resumed");
    }
}

/// What was promised before holds afterwards.
async fn is_kept(site: &Kept, log: &Log) {
    assert!(log.logged_in.len() >= 4 && log.logged_out.len() >= 4, "there was something to lose");
    for (cookies, expected) in [(&log.logged_in, StatusCode::OK), (&log.logged_out, StatusCode::UNAUTHORIZED)] {
        for cookie in cookies {
            assert_eq!(site.status(cookie).await, expected);
        }
    }
}

async fn member(site: &Kept, name: &str) -> Visitor {
    let visitor = site.visitor();
    visitor.join(name).await;
    visitor
}

#[derive(Clone, Copy)]
enum Outage {
    Killed,
    Hangs,
}

async fn nothing_is_lost(mut server: DatabaseServer, outage: Outage) {
    let site = site(&server.url()).await;
    let (visitor, leaving) = (member(&site, "alice").await, member(&site, "bob").await);
    let load = Load::on(&site, &visitor);
    Load::more(&load.answers, CLIENTS * 20).await;
    Load::more(&load.logins, 16).await;
    match outage {
        Outage::Killed => server.kill(),
        Outage::Hangs => server.hang(),
    }
    let down = Instant::now();
    Load::more(&load.refusals, CLIENTS * 2).await;
    is_out_of_service(&site, &visitor, &leaving).await;
    let up = Instant::now();
    match outage {
        Outage::Killed => server.start_again().await,
        Outage::Hangs => server.go_on(),
    }
    is_in_service(&site, &visitor).await;
    Load::more(&load.answers, CLIENTS * 20).await;
    is_kept(&site, &load.log()).await;
    load.end((down, up)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn postgres_is_killed() {
    nothing_is_lost(DatabaseServer::postgres().await, Outage::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn postgres_hangs() {
    nothing_is_lost(DatabaseServer::postgres().await, Outage::Hangs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB's server"]
async fn mariadb_is_killed() {
    nothing_is_lost(DatabaseServer::mariadb().await, Outage::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB's server"]
async fn mariadb_hangs() {
    nothing_is_lost(DatabaseServer::mariadb().await, Outage::Hangs).await;
}

/// Another program writes for longer than anybody should wait: who only reads does not notice, who writes is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_locked() {
    let directory = TestDirectory::new();
    let url = format!("sqlite:{}?mode=rwc", directory.path().join("site.db").display());
    let site = site(&url).await;
    let (visitor, leaving) = (member(&site, "bob").await, member(&site, "alice").await);
    let other = auth::database::Database::connect(url.as_str()).await.unwrap();
    let auth::database::Database::Sqlite(pool) = &other else { unreachable!("it is SQLite") };
    let writer = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    let (status, ..) = timed(async { leaving.post("/logout", &json!({})).await.status }).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let stranger = site.visitor();
    let body = json!({ "username": "bob", "password": PASSWORD });
    let (status, ..) = timed(async { stranger.post("/login", &body).await.status }).await;
    assert_eq!((status, stranger.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
    writer.rollback().await.unwrap();
    is_in_service(&site, &visitor).await;
}
