use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A library of another language: a program in `tests/interop` that reads a task and writes its result. `install.sh` there
/// installs the libraries.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    script: &'static str,
    program: fn(&Path) -> Command,
}

impl Peer {
    /// A script for Python.
    pub fn python(script: &'static str) -> Self {
        Self { script, program: |installed| Command::new(installed.join("venv/bin/python")) }
    }

    /// A script for Node.js.
    pub fn node(script: &'static str) -> Self {
        let program = |installed: &Path| {
            let mut command = Command::new("node");
            command.env("INTEROP", installed);
            command
        };
        Self { script, program }
    }

    /// What it makes of a task.
    ///
    /// # Errors
    /// What the script says when it fails.
    pub fn ask(self, task: &Value) -> Result<Value, String> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = std::env::var_os("AUTH_INTEROP").map_or_else(|| tests.join("../target/interop"), PathBuf::from);
        assert!(installed.is_dir(), "run tests/interop/install.sh");
        let mut child = (self.program)(&installed)
            .arg(tests.join("interop").join(self.script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.script));
        let written = child.stdin.take().expect("it is piped").write_all(task.to_string().as_bytes());
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        written.map_err(|error| error.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
    }
}
