use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{PATIENCE, TestDirectory};

/// An nginx that nobody else uses, in front of a server; killed when dropped.
///
/// It asks for a name and a password by itself, and passes the name on as `REMOTE_USER`. To the server it is `127.0.0.2`.
#[derive(Debug)]
pub struct Nginx {
    /// Where it listens.
    pub address: String,
    child: Child,
    _directory: TestDirectory,
}

impl Nginx {
    /// The address that its connections come from.
    pub const SOURCE: &str = "127.0.0.2";

    /// In front of the server at this address (`http://…`), for a user of that name and password. Below `/open` it asks nobody.
    ///
    /// # Panics
    /// When none is installed, or it does not start.
    pub fn before(server: &str, name: &str, password: &str) -> Self {
        // Between its choice and its use, somebody else can take a port.
        for _ in 0..10 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
            let port = listener.local_addr().expect("it has an address").port();
            drop(listener);
            let directory = TestDirectory::new();
            if let Some(child) = spawn(&directory, port, server, &format!("{name}:{{PLAIN}}{password}\n")) {
                return Self { address: format!("http://127.0.0.1:{port}"), child, _directory: directory };
            }
        }
        panic!("nginx does not start");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(directory: &TestDirectory, port: u16, server: &str, users: &str) -> Option<Child> {
    let path = directory.path();
    let shown = path.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|kind| format!("{kind}_temp_path {shown}/{kind};\n")).concat();
    let configuration = format!(
        "daemon off; master_process off; pid {shown}/pid; error_log {shown}/errors;\n\
         events {{}}\n\
         http {{\n{temporary} access_log off;\n\
         server {{ listen 127.0.0.1:{port};\n\
         proxy_bind {}; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;\n\
         proxy_set_header REMOTE_USER $remote_user; proxy_set_header Authorization \"\";\n\
         location / {{ auth_basic \"members\"; auth_basic_user_file {shown}/users; proxy_pass {server}; }}\n\
         location /open {{ proxy_pass {server}/; }} }} }}\n",
        Nginx::SOURCE
    );
    fs::write(path.join("users"), users).expect("the directory can be written");
    fs::write(path.join("nginx.conf"), configuration).expect("the directory can be written");
    let mut child = Command::new("nginx")
        .arg("-e")
        .arg(path.join("errors"))
        .arg("-c")
        .arg(path.join("nginx.conf"))
        .stdout(Stdio::null())
        .spawn()
        .expect("nginx is installed");
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return None;
        }
        assert!(started.elapsed() < PATIENCE, "nginx does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Somebody else could be listening there.
    child.try_wait().is_ok_and(|status| status.is_none()).then_some(child)
}
