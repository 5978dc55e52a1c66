use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::TestDirectory;
use crate::servers::make_certificate;

/// A mail server of a test's own, by Python's aiosmtpd, killed when dropped.
#[derive(Debug)]
pub struct TestSmtp {
    directory: TestDirectory,
    port: u64,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// A mail that it took, or refused after it had it.
#[derive(Debug, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "tests read it")]
pub struct ReceivedMail {
    /// Whom the envelope says it is from.
    pub from: String,
    /// Whom the envelope says it is for.
    pub to: Vec<String>,
    /// The headers, decoded.
    pub headers: Vec<(String, String)>,
    /// The text, decoded.
    pub text: String,
    /// Whether it came encrypted.
    pub tls: bool,
    /// Who had logged in.
    pub user: Option<String>,
}

impl TestSmtp {
    /// Speaks `plain`, demands STARTTLS (`starttls`), or begins with TLS (`tls`). The latter two take mail of `user` with the
    /// password `p@ss:word`.
    pub fn start(how: &str) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = std::env::var_os("AUTH_INTEROP").map_or_else(|| tests.join("../target/interop"), PathBuf::from);
        assert!(installed.is_dir(), "run tests/interop/install.sh");
        let directory = TestDirectory::new();
        make_certificate(directory.path());
        let mut child = Command::new(installed.join("venv/bin/python"))
            .args([tests.join("interop/smtpd.py").as_os_str(), how.as_ref()])
            .args(["cert.pem", "key.pem"].map(|name| directory.path().join(name)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python is installed");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it says its port").expect("it can be read");
        let first: Value = serde_json::from_str(&first).expect("it is JSON");
        Self { directory, port: first["port"].as_u64().expect("it is a port"), child, lines }
    }

    /// `scheme://user:password@127.0.0.1:port`.
    pub fn url(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}127.0.0.1:{}", self.port)
    }

    /// The certificate that it shows.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// Ends it, and gives all that it took.
    pub fn end(mut self) -> Vec<ReceivedMail> {
        self.kill();
        let lines = self.lines.by_ref().map(|line| line.expect("it can be read"));
        lines.map(|line| serde_json::from_str(&line).expect("it is JSON")).collect()
    }

    fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for TestSmtp {
    fn drop(&mut self) {
        self.kill();
    }
}
