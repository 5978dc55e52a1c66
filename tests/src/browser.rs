//! Chromium without a window, by the `WebDriver` protocol (W3C), with authenticators that are none (WebAuthn Level 3 §11).

use std::fmt::Debug;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{PATIENCE, TestDirectory};

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=800,900",
];
/// What the protocol calls an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own, ended when dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    _output: BufReader<ChildStdout>,
    port: u16,
    session: String,
    client: Client,
    directory: TestDirectory,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// When none is installed, or it does not start.
    pub async fn start() -> Self {
        let directory = TestDirectory::new();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed");
        let mut output = BufReader::new(driver.stdout.take().expect("its output is piped"));
        let port = port(&mut output);
        let client = Client::builder().timeout(PATIENCE).no_proxy().build().expect("a plain client can be made");
        let mut this = Self { driver, _output: output, port, session: String::new(), client, directory };
        let profile = format!("--user-data-dir={}", this.directory.path().join("profile").display());
        let arguments: Vec<_> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        let options = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } });
        let begun = this.ask(Method::POST, "/session", &json!({ "capabilities": { "alwaysMatch": options } })).await;
        let begun = begun.expect("the browser starts");
        begun["sessionId"].as_str().expect("a session has an id").clone_into(&mut this.session);
        this
    }

    /// Goes to a page.
    pub async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", &json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        text(self.command(Method::GET, "/url", &Value::Null).await)
    }

    /// What can be read on the page; nothing while it is exchanged for another.
    pub async fn text(&self) -> String {
        let script = json!({ "script": "return document.body?.innerText ?? ''", "args": [] });
        self.in_session(Method::POST, "/execute/sync", &script).await.map(text).unwrap_or_default()
    }

    /// Waits until the page of this path is there.
    pub async fn until_at(&self, path: &str) {
        let is_there = async || {
            self.url().await.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()))
        };
        self.until(is_there, |found| found.as_deref() == Some(path)).await;
    }

    /// Waits until the page shows that.
    pub async fn until_shown(&self, wanted: &str) {
        self.until(|| self.text(), |shown| shown.contains(wanted)).await;
    }

    /// Clicks on what this CSS selector finds, as soon as it can be seen.
    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.command(Method::POST, &format!("/element/{element}/click"), &json!({})).await;
    }

    /// Types into a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.command(Method::POST, &format!("/element/{element}/clear"), &json!({})).await;
        self.command(Method::POST, &format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Fills in the form that has these fields, and sends it.
    pub async fn submit(&self, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            self.fill(&format!("[name={name}]"), value).await;
        }
        let first = fields.first().map_or_else(String::new, |(name, _)| format!(":has([name={name}])"));
        self.click(&format!("form{first} button")).await;
    }

    /// Runs a function's body in the page, which may `await`, and gives what it returns.
    pub async fn script(&self, body: &str, arguments: &[Value]) -> Value {
        let source = format!(
            "const done = arguments[arguments.length - 1];\n\
             (async (...args) => {{ {body} }})(...arguments).then(done, (error) => done({{ error: String(error) }}));"
        );
        self.command(Method::POST, "/execute/async", &json!({ "script": source, "args": arguments })).await
    }

    /// A picture of the page, outside the repository; `SCREENSHOTS` names a directory that outlives the test.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        self.picture("/screenshot", name).await
    }

    /// A picture of what this CSS selector finds.
    pub async fn picture_of(&self, selector: &str, name: &str) -> PathBuf {
        let element = self.element(selector).await;
        self.picture(&format!("/element/{element}/screenshot"), name).await
    }

    async fn picture(&self, path: &str, name: &str) -> PathBuf {
        let encoded = text(self.command(Method::GET, path, &Value::Null).await);
        let picture = Base64::decode_vec(&encoded).expect("a picture is base64");
        let directory = std::env::var_os("SCREENSHOTS").map_or_else(|| self.directory.path().to_owned(), PathBuf::from);
        let file = directory.join(format!("{name}.png"));
        std::fs::write(&file, picture).expect("the picture can be written");
        file
    }

    /// Plugs in an authenticator that verifies its user, keeps passkeys, and never asks.
    pub async fn authenticator(&self) -> Authenticator<'_> {
        let options = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserConsenting": true,
            "isUserVerified": true,
        });
        let id = text(self.command(Method::POST, "/webauthn/authenticator", &options).await);
        Authenticator { browser: self, path: format!("/webauthn/authenticator/{id}") }
    }

    /// The element, once it is there and can be seen.
    async fn element(&self, selector: &str) -> String {
        let find = async || {
            let wanted = json!({ "using": "css selector", "value": selector });
            let found = self.in_session(Method::POST, "/element", &wanted).await.ok()?;
            let element = found[ELEMENT].as_str()?.to_owned();
            let shown = self.in_session(Method::GET, &format!("/element/{element}/displayed"), &Value::Null).await;
            shown.is_ok_and(|shown| shown == true).then_some(element)
        };
        self.until(find, Option::is_some).await.unwrap_or_default()
    }

    /// Asks again and again until the answer is right.
    async fn until<T: Debug>(&self, ask: impl AsyncFn() -> T, is_right: impl Fn(&T) -> bool) -> T {
        let started = Instant::now();
        loop {
            let found = ask().await;
            if is_right(&found) {
                return found;
            }
            if started.elapsed() > PATIENCE {
                let (url, text) = (self.url().await, self.text().await);
                panic!("it is not so after a while: {found:?}, at {url}: {text}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Value {
        self.in_session(method, path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn in_session(&self, method: Method, path: &str, body: &Value) -> Result<Value, Value> {
        self.ask(method, &format!("/session/{}{path}", self.session), body).await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Value> {
        let has_body = method == Method::POST;
        let request = self.client.request(method, format!("http://127.0.0.1:{}{path}", self.port));
        let request = if has_body { request.json(body) } else { request };
        let answer = request.send().await.expect("chromedriver answers");
        let succeeded = answer.status().is_success();
        let mut answer: Value = answer.json().await.expect("its answers are JSON");
        let value = answer["value"].take();
        if succeeded { Ok(value) } else { Err(value) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the browser, which would outlive it.
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            drop(driver.set_read_timeout(Some(Duration::from_secs(10))));
            let request = format!("DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.session, self.port);
            drop(driver.write_all(request.as_bytes()));
            drop(driver.read(&mut [0; 16]));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// An authenticator in a browser.
#[derive(Debug)]
pub struct Authenticator<'a> {
    browser: &'a Browser,
    path: String,
}

impl Authenticator<'_> {
    /// Whether it verifies its user from now on.
    pub async fn verifies_users(&self, verifies: bool) {
        let body = json!({ "isUserVerified": verifies });
        self.browser.command(Method::POST, &format!("{}/uv", self.path), &body).await;
    }

    /// What it keeps, private keys and all.
    ///
    /// # Panics
    /// When the driver answers with something else.
    pub async fn credentials(&self) -> Vec<Value> {
        let found = self.browser.command(Method::GET, &format!("{}/credentials", self.path), &Value::Null).await;
        found.as_array().expect("credentials are a list").clone()
    }

    /// Puts one in.
    pub async fn add(&self, credential: &Value) {
        self.browser.command(Method::POST, &format!("{}/credential", self.path), credential).await;
    }

    /// Takes all out.
    pub async fn clear(&self) {
        self.browser.command(Method::DELETE, &format!("{}/credentials", self.path), &Value::Null).await;
    }
}

fn port(output: &mut impl std::io::BufRead) -> u16 {
    let line = output.lines().map_while(Result::ok).find(|line| line.contains("on port") && line.ends_with('.'));
    let port = line.as_deref().and_then(|line| line.trim_end_matches('.').rsplit(' ').next()?.parse().ok());
    port.expect("chromedriver prints its port")
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("not a text: {other}"),
    }
}
