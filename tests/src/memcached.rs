use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// A memcached that nobody else uses, killed when dropped.
#[derive(Debug)]
pub struct TestMemcached {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
}

/// The server installed here, with values of up to 4 MiB.
///
/// # Panics
/// When none is installed.
pub fn memcached() -> TestMemcached {
    // Between its choice and its use, somebody else can take a port.
    for _ in 0..10 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        drop(listener);
        if let Some(child) = spawn(port) {
            return TestMemcached { port, child };
        }
    }
    panic!("memcached does not start");
}

impl TestMemcached {
    /// Its address.
    pub fn url(&self) -> String {
        format!("memcached://127.0.0.1:{}", self.port)
    }

    /// Sends a line, gives the first line of the answer.
    pub fn command(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server is there");
        stream.write_all(format!("{line}\r\n").as_bytes()).expect("it listens");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }

    /// Kills it: all that it held is lost.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again, where it was.
    ///
    /// # Panics
    /// When somebody else listens there now.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port).expect("the port is still free");
    }

    /// From now on it answers nothing, and keeps its connections.
    pub fn stop(&self) {
        self.signal("STOP");
        // Each of its threads stops when it comes to it.
        let started = Instant::now();
        while !self.is_stopped() {
            assert!(started.elapsed() < PATIENCE, "it does not stop");
            std::thread::yield_now();
        }
    }

    /// It answers again.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "{signal}");
    }

    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs, on Linux");
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))
        })
    }
}

impl Drop for TestMemcached {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One that listens; none when it ends at once.
fn spawn(port: u16) -> Option<Child> {
    let mut child = Command::new("memcached")
        .args([
            "-l",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-U",
            "0",
            "-I",
            "4m",
            "-m",
            "64",
            "-t",
            "2",
            "-u",
            "nobody",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("memcached is installed");
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return None;
        }
        assert!(started.elapsed() < PATIENCE, "memcached does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Somebody else could be listening there.
    child.try_wait().is_ok_and(|status| status.is_none()).then_some(child)
}
