//! Real HTTP: a program that was started, and a client that keeps cookies as a browser does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

/// A program that serves, ended when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts a program that prints its address, and waits for that line.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(program: &mut Command) -> Self {
        let mut child =
            program.env("ADDRESS", "127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut address = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut address).expect("it prints its address");
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://"), "it prints its address, not {address:?}");
        Self { child, address }
    }

    /// A client without cookies.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Somebody with a browser: keeps cookies, follows no redirect unasked, says where a request comes from.
#[derive(Clone, Debug)]
pub struct Visitor {
    client: Client,
    jar: Arc<Jar>,
    address: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("the body is text") }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Where it leads.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Visitor {
    /// A visitor of the site at this address.
    ///
    /// # Panics
    /// When the client cannot be made.
    pub fn new(address: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder().cookie_provider(jar.clone()).redirect(redirect::Policy::none()).build();
        Self { client: client.expect("a plain client can be made"), jar, address: address.to_owned() }
    }

    /// The site's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Somebody else at the same site.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(&self.address)
    }

    /// What it would send as its cookies, without the one that its device is known by.
    pub fn cookie(&self) -> Option<String> {
        let cookies = self.jar.cookies(&self.address.parse().expect("the address is one"))?;
        let cookies = cookies.to_str().expect("cookies are text").split("; ");
        let cookies: Vec<_> = cookies.filter(|cookie| !cookie.contains("-device=")).collect();
        (!cookies.is_empty()).then(|| cookies.join("; "))
    }

    /// A request to be completed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.expect("the server answers")).await
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// The same as a person with a browser.
    pub async fn browse(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).header("accept", "text/html,*/*")).await
    }

    /// Sends JSON from a page of this site.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).header("origin", &self.address).json(body)).await
    }

    /// Sends a form from a page of this site, as a browser does.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header("origin", &self.address);
        self.send(request.header("accept", "text/html,*/*").form(fields)).await
    }

    /// Registers and logs in.
    ///
    /// # Panics
    /// When either fails.
    pub async fn join(&self, name: &str) {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = self.post("/register", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let answer = self.post("/login", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
}

/// A password that nothing is wrong with.
pub const PASSWORD: &str = "vortex-lantern-29-quilt";
