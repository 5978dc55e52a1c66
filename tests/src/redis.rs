use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, FromRedisValue};
use uuid::Uuid;

use crate::servers::make_certificate;
use crate::{PATIENCE, until};

/// A part of a Redis that nobody else uses, emptied when dropped.
#[derive(Debug)]
pub struct TestRedis {
    /// The server.
    pub url: String,
    /// What all keys of the test begin with.
    pub prefix: String,
}

/// Redis at `AUTH_TEST_REDIS`.
pub fn redis() -> TestRedis {
    let url = std::env::var("AUTH_TEST_REDIS").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    TestRedis { url, prefix: prefix() }
}

/// What no other test's keys begin with.
pub fn prefix() -> String {
    format!("auth-test-{}:", Uuid::new_v4().simple())
}

impl TestRedis {
    /// Sends a command.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        command(&self.url, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// All keys of the test.
    pub fn keys(&self) -> Vec<String> {
        self.command(&["KEYS", &format!("{}*", self.prefix)])
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        for key in self.keys() {
            self.command::<()>(&["DEL", &key]);
        }
    }
}

fn command<T: FromRedisValue>(url: &str, words: &[&str]) -> redis::RedisResult<T> {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    let mut connection = Client::open(url)?.get_connection_with_timeout(Duration::from_secs(1))?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    command.query(&mut connection)
}

/// A server of its own, on a free port, that keeps what it was told before it was killed. It goes when dropped.
#[derive(Debug)]
pub struct RedisServer {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
    child: Child,
    guard: Child,
}

impl Default for RedisServer {
    fn default() -> Self {
        Self::start()
    }
}

impl RedisServer {
    /// Every answer is on the disk first.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// With these arguments, and without snapshots. `%d` stands for the server's own directory.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(directory(), arguments)
    }

    /// In a directory that is there already.
    pub fn start_in(directory: PathBuf, arguments: &[&str]) -> Self {
        for tries in 0.. {
            let port = free_port();
            let arguments = arguments.iter().map(|argument| argument.replace("%d", &directory.display().to_string()));
            let arguments: Vec<String> = arguments.collect();
            // Between the look and the start somebody else may take the port.
            match spawn(port, &directory, &arguments) {
                Some(child) => {
                    let guard = guard(&child, &directory);
                    return Self { port, directory, arguments, child, guard };
                }
                None => assert!(tries < 5, "redis-server does not start: {arguments:?}"),
            }
        }
        unreachable!("one of the tries returns or fails");
    }

    /// One that speaks TLS as well, at an address which says whom to trust.
    pub fn start_with_tls() -> (Self, String) {
        let (directory, port) = (directory(), free_port());
        make_certificate(&directory);
        let url = format!("rediss://127.0.0.1:{port}?ca={}", directory.join("cert.pem").display());
        let files = ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "cert.pem"];
        let files = files.map(|word| if word.starts_with("--") { word.to_owned() } else { format!("%d/{word}") });
        let port = port.to_string();
        let mut arguments = vec!["--tls-port", &port, "--tls-auth-clients", "no"];
        arguments.extend(files.iter().map(String::as_str));
        (Self::start_in(directory, &arguments), url)
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        command(&self.url(), words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Whether the answer to a command has this in it; no answer has not.
    pub fn says(&self, words: &[&str], part: &str) -> bool {
        command::<String>(&self.url(), words).is_ok_and(|answer| answer.contains(part))
    }

    /// As a crash of the machine.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// On the same port, with what it kept.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.directory, &self.arguments).expect("it starts again");
        dismiss(&mut self.guard);
        self.guard = guard(&self.child, &self.directory);
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is installed").success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        dismiss(&mut self.guard);
        dismiss(&mut self.child);
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Ends the server with the test's process, which drops no statics, and may be killed.
fn guard(server: &Child, directory: &Path) -> Child {
    let mut guard = Command::new("sh");
    guard.args(["-c", "cat; kill -9 \"$0\"; rm -rf \"$1\"", &server.id().to_string()]).arg(directory);
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("there is a shell")
}

fn dismiss(process: &mut Child) {
    drop(process.kill());
    drop(process.wait());
}

fn directory() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("auth-test-redis-{}", Uuid::new_v4().simple()));
    std::fs::create_dir(&directory).expect("there is room");
    directory
}

/// A port whose neighbour for the cluster's own talk is free, too.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

fn spawn(port: u16, directory: &Path, arguments: &[String]) -> Option<Child> {
    let sentinel = arguments.iter().any(|argument| argument == "--sentinel");
    let mut command = Command::new("redis-server");
    if sentinel {
        command.arg(directory.join("sentinel.conf"));
    }
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(directory);
    if !sentinel {
        command.args(["--save", ""]);
    }
    let child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("redis-server is installed");
    let (url, started) = (format!("redis://127.0.0.1:{port}"), Instant::now());
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return None;
        }
        if command_answers(&url) {
            return Some(child);
        }
        assert!(started.elapsed() < PATIENCE, "redis-server does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn command_answers(url: &str) -> bool {
    command::<String>(url, &["PING"]).is_ok()
}

/// A master, a replica, and a sentinel that needs nobody's agreement.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The first master.
    pub master: RedisServer,
    /// What takes over.
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl Default for RedisSentinel {
    fn default() -> Self {
        Self::start()
    }
}

impl RedisSentinel {
    /// Ready when the sentinel knows both.
    pub fn start() -> Self {
        let master = RedisServer::start();
        let of = format!("127.0.0.1 {}", master.port);
        let replica = RedisServer::start_with(&["--replicaof", &of]);
        let directory = directory();
        let config = format!(
            "sentinel monitor blog {of} 1\nsentinel down-after-milliseconds blog 500\n\
             sentinel failover-timeout blog 2000\nsentinel parallel-syncs blog 1\n"
        );
        std::fs::write(directory.join("sentinel.conf"), config).expect("there is room");
        let sentinel = RedisServer::start_in(directory, &["--sentinel"]);
        let this = Self { master, replica, sentinel };
        until("the replica follows", || this.replica.says(&["INFO", "replication"], "master_link_status:up"));
        until("the sentinel knows the replica", || {
            let known = this.sentinel.command::<Vec<redis::Value>>(&["SENTINEL", "REPLICAS", "blog"]);
            !known.is_empty()
        });
        this
    }

    /// `redis+sentinel://…`
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/blog/0", self.sentinel.port)
    }

    /// As an administrator would.
    pub fn fail_over(&self) {
        self.sentinel.command::<()>(&["SENTINEL", "FAILOVER", "blog"]);
    }
}

/// Three masters, which share the slots, and a replica of the first.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, then the replica.
    pub nodes: Vec<RedisServer>,
}

impl Default for RedisCluster {
    fn default() -> Self {
        Self::start()
    }
}

impl RedisCluster {
    /// Ready when all agree on who has which slots.
    pub fn start() -> Self {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--appendonly", "no"];
        let nodes: Vec<_> = (0..4).map(|_| RedisServer::start_with(&arguments)).collect();
        for (node, slots) in nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]) {
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]);
        }
        for (node, epoch) in nodes.iter().zip(1..) {
            node.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]);
            node.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &nodes[0].port.to_string()]);
        }
        let this = Self { nodes };
        this.until_agreed(|info| info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:4"));
        let first = this.nodes[0].command::<String>(&["CLUSTER", "MYID"]);
        this.nodes[3].command::<()>(&["CLUSTER", "REPLICATE", &first]);
        until("the replica follows", || {
            let known = this.nodes.iter().all(|node| node.says(&["CLUSTER", "NODES"], "slave"));
            known && this.nodes[3].says(&["INFO", "replication"], "master_link_status:up")
        });
        this
    }

    fn until_agreed(&self, agreed: impl Fn(&str) -> bool) {
        until("the nodes agree", || {
            self.nodes.iter().all(|node| agreed(&node.command::<String>(&["CLUSTER", "INFO"])))
        });
    }

    /// `redis+cluster://…`, with two of the nodes.
    pub fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.nodes[1].port, self.nodes[2].port)
    }
}
