use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::Connection as _;

use crate::{PATIENCE, TestDirectory};

/// A database server of a test's own, on a free port, with durable settings. It is killed when dropped, and its data go.
#[derive(Debug)]
pub struct DatabaseServer {
    kind: Kind,
    port: u16,
    directory: TestDirectory,
    child: Child,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Postgres,
    MariaDb,
}

/// The user that PostgreSQL runs as where the tests run as root, whom it refuses.
const USER: &str = "postgres";

impl DatabaseServer {
    /// PostgreSQL; its programs are searched for at `AUTH_TEST_POSTGRES_BIN`, in the path, and where Debian has them.
    pub async fn postgres() -> Self {
        Self::begin(Kind::Postgres).await
    }

    /// MariaDB.
    pub async fn mariadb() -> Self {
        Self::begin(Kind::MariaDb).await
    }

    async fn begin(kind: Kind) -> Self {
        let directory = TestDirectory::new();
        kind.prepare(directory.path());
        for _ in 0..5 {
            let port = free_port();
            if let Some(child) = kind.start(directory.path(), port).await {
                let server = Self { kind, port, directory, child };
                if kind == Kind::MariaDb {
                    server.kind.create_database(port).await;
                }
                return server;
            }
        }
        panic!("{kind:?} does not start: {}", log(directory.path()));
    }

    /// Where it can be reached.
    pub fn url(&self) -> String {
        self.kind.url(self.port)
    }

    /// Ends it at once, in the middle of whatever it does: `kill -9`.
    pub fn kill(&mut self) {
        // A server that is stopped makes no more processes.
        self.hang();
        for child in children(self.child.id()) {
            signal("KILL", &child);
        }
        self.child.kill().expect("it is there");
        self.child.wait().expect("it can be waited for");
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(child) = self.kind.start(self.directory.path(), self.port).await {
                self.child = child;
                return;
            }
            // The system has not cleared away yet what was killed.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not start again: {}", log(self.directory.path()));
    }

    /// Has it hang: it takes connections, and answers nothing.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    /// Has it go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// All that it holds, as its own program for that tells it.
    pub fn dump(&self) -> Vec<u8> {
        let mut dump = match self.kind {
            Kind::Postgres => {
                let mut dump = Command::new(postgres_program("pg_dump"));
                dump.arg(self.url());
                dump
            }
            Kind::MariaDb => {
                let mut dump = Command::new("mariadb-dump");
                dump.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root"]);
                dump.args([&format!("--port={}", self.port), "test"]);
                dump
            }
        };
        let output = dump.output().expect("the program that dumps is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// PostgreSQL has a process for each connection.
    fn signal(&self, name: &str) {
        assert!(signal(name, &self.child.id().to_string()), "the server has ended by itself");
        for child in children(self.child.id()) {
            // One of them may be at its end.
            signal(name, &child);
        }
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        // A server that is stopped makes no more processes.
        let parent = self.child.id();
        signal("STOP", &parent.to_string());
        for child in children(parent) {
            signal("KILL", &child);
        }
        drop(self.child.kill());
        drop(self.child.wait());
        // The last of them may be writing still.
        for _ in 0..250 {
            if std::fs::remove_dir_all(self.directory.path()).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Kind {
    fn url(self, port: u16) -> String {
        match self {
            Self::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"),
            Self::MariaDb => format!("mysql://root@127.0.0.1:{port}/test?ssl-mode=disabled"),
        }
    }

    /// Makes an empty cluster.
    fn prepare(self, directory: &Path) {
        let data = directory.join("data");
        match self {
            Self::Postgres => {
                std::fs::create_dir(&data).expect("the directory can be written");
                if is_root() {
                    run(Command::new("chown").args([USER.as_ref(), directory.as_os_str(), data.as_os_str()]));
                }
                run(as_user(&postgres_program("initdb"))
                    .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata"])
                    .arg(&data));
            }
            Self::MariaDb => {
                let mut install = Command::new("mariadb-install-db");
                install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                run(install.args(maria_user()).arg(format!("--datadir={}", data.display())));
            }
        }
    }

    /// Starts it and waits until it answers; `None` when it ends instead, as it does where the port is taken.
    async fn start(self, directory: &Path, port: u16) -> Option<Child> {
        let data = directory.join("data");
        let mut command = match self {
            Self::Postgres => {
                let mut command = as_user(&postgres_program("postgres"));
                command.arg("-D").arg(&data).arg("-p").arg(port.to_string());
                let sockets = format!("unix_socket_directories={}", directory.display());
                for setting in ["listen_addresses=127.0.0.1", &sockets, "fsync=on", "synchronous_commit=on"] {
                    command.args(["-c", setting]);
                }
                command
            }
            Self::MariaDb => {
                let mut command = Command::new(found("mariadbd", ["/usr/sbin".into()]));
                command.arg("--no-defaults").args(maria_user()).arg(format!("--datadir={}", data.display()));
                command.args(["--bind-address=127.0.0.1", &format!("--port={port}")]);
                command.arg(format!("--socket={}", directory.join("socket").display()));
                command.args(["--innodb-flush-log-at-trx-commit=1", "--skip-log-bin"]);
                command
            }
        };
        let log = std::fs::File::options().create(true).append(true).open(directory.join("log"));
        let mut child = command
            .stdout(Stdio::null())
            .stderr(log.expect("the directory can be written"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let started = Instant::now();
        while !tokio::time::timeout(PATIENCE, self.answers(port)).await.unwrap_or(false) {
            if child.try_wait().expect("it can be waited for").is_some() {
                return None;
            }
            if started.elapsed() > PATIENCE {
                drop(child.kill());
                panic!("it does not answer: {}", self::log(directory));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(child)
    }

    async fn answers(self, port: u16) -> bool {
        match self {
            Self::Postgres => closed(sqlx::PgConnection::connect(&self.url(port)).await).await,
            // Its database may not be there yet.
            Self::MariaDb => closed(sqlx::MySqlConnection::connect(&server_url(port)).await).await,
        }
    }

    async fn create_database(self, port: u16) {
        let mut connection = sqlx::MySqlConnection::connect(&server_url(port)).await.expect("the server is there");
        sqlx::raw_sql("CREATE DATABASE test").execute(&mut connection).await.expect("it can be made");
        connection.close().await.expect("it can be closed");
    }
}

/// MariaDB without any of its databases.
fn server_url(port: u16) -> String {
    format!("mysql://root@127.0.0.1:{port}?ssl-mode=disabled")
}

async fn closed<C: sqlx::Connection>(connection: sqlx::Result<C>) -> bool {
    match connection {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

/// A port out of those that the system does not give to clients, or one of them could take it while the server is down.
pub(crate) fn free_port() -> u16 {
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let some = || u16::from_be_bytes([uuid::Uuid::new_v4().as_bytes()[0], uuid::Uuid::new_v4().as_bytes()[1]]);
    std::iter::repeat_with(some).map(|port| 10_000 + port % 20_000).find(is_free).expect("there are free ports")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("there is `id`");
    id.stdout.trim_ascii() == b"0"
}

/// A program of PostgreSQL's, as somebody else where this one is root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--init-groups"]).arg(program);
    command
}

fn maria_user() -> &'static [&'static str] {
    if is_root() { &["--user=root"] } else { &[] }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} is not installed: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap_or_default()
}

pub(crate) fn signal(name: &str, process: &str) -> bool {
    let kill = Command::new("kill").args([&format!("-{name}"), process]).stderr(Stdio::null()).status();
    kill.expect("there is `kill`").success()
}

/// The processes that it started.
fn children(parent: u32) -> Vec<String> {
    let found = Command::new("pgrep").args(["-P", &parent.to_string()]).output().expect("there is `pgrep`");
    String::from_utf8_lossy(&found.stdout).split_whitespace().map(str::to_owned).collect()
}

fn postgres_program(name: &str) -> PathBuf {
    let ours = std::env::var("AUTH_TEST_POSTGRES_BIN").ok();
    let mut versions: Vec<_> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let debian = versions.pop().map(|version| version.join("bin"));
    found(name, ours.map(PathBuf::from).into_iter().chain(debian))
}

/// The program in one of these directories, or else wherever the system finds it.
fn found(name: &str, directories: impl IntoIterator<Item = PathBuf>) -> PathBuf {
    let mut there = directories.into_iter().map(|directory| directory.join(name)).filter(|program| program.exists());
    there.next().unwrap_or_else(|| name.into())
}

/// Makes `cert.pem` and `key.pem` in that directory: the certificate of a server at 127.0.0.1, which vouches for itself.
pub(crate) fn make_certificate(directory: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"]);
    let made = openssl.current_dir(directory).stderr(Stdio::null()).status();
    assert!(made.expect("openssl is installed").success());
}
