//! Sessions in a Redis that is killed, hangs, and comes back.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auth_tests::http::{PASSWORD, Visitor};
use axum::http::StatusCode;
use serde_json::json;

use crate::app::Site;

/// A server of its own, that keeps what it was told before it was killed.
struct Redis {
    port: u16,
    directory: PathBuf,
    child: Child,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = std::env::temp_dir().join(format!("auth-test-redis-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&directory).unwrap();
        let child = Self::spawn(port, &directory);
        Self { port, directory, child }
    }

    fn spawn(port: u16, directory: &PathBuf) -> Child {
        let mut child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let started = Instant::now();
        while !answers(port) {
            assert!(child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = Self::spawn(self.port, &self.directory);
    }

    /// `STOP` or `CONT`.
    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn answers(port: u16) -> bool {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let ping = |mut connection: redis::Connection| redis::cmd("PING").query::<String>(&mut connection);
    client.get_connection_with_timeout(Duration::from_secs(1)).and_then(ping).is_ok()
}

/// Whatever is asked, there is no access, and the answer comes in time.
async fn is_out_of_service(site: &Site, visitor: &Visitor) {
    let started = Instant::now();
    let requests: Vec<_> = (0..16)
        .map(|_| {
            let visitor = visitor.clone();
            tokio::spawn(async move { visitor.get("/closed").await.status })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    in_time(started);
    for path in ["/me", "/publish", "/maybe"] {
        let started = Instant::now();
        assert_eq!(visitor.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        in_time(started);
    }
    let started = Instant::now();
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
    in_time(started);
    let stranger = site.visitor();
    let started = Instant::now();
    let answer = stranger.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!((answer.status, stranger.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
    in_time(started);
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK, "what asks nothing needs no store");
}

/// One time-out, or two where a request reads and writes, and what hashing takes.
fn in_time(started: Instant) {
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

/// Service resumes by itself, soon.
async fn is_in_service(visitor: &Visitor) {
    let started = Instant::now();
    loop {
        match visitor.get("/closed").await.status {
            StatusCode::OK => break,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nobody is logged out"),
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    for _ in 0..8 {
        assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn without_redis_there_is_no_access_and_with_it_again_there_is() {
    let mut redis = Redis::start();
    let address = format!("redis://127.0.0.1:{}", redis.port);
    let site = Site::with(|builder| builder.sessions(&address)).await;
    let (visitor, _) = site.member("alice").await;
    is_in_service(&visitor).await;

    redis.kill();
    is_out_of_service(&site, &visitor).await;
    redis.start_again();
    is_in_service(&visitor).await;

    redis.signal("STOP");
    is_out_of_service(&site, &visitor).await;
    redis.signal("CONT");
    is_in_service(&visitor).await;

    site.visitor().join("bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_restart_between_two_requests_is_not_noticed() {
    let mut redis = Redis::start();
    let address = format!("redis://127.0.0.1:{}", redis.port);
    let site = Site::with(|builder| builder.sessions(&address)).await;
    let (visitor, _) = site.member("alice").await;
    for _ in 0..3 {
        redis.kill();
        redis.start_again();
        assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    }
}
