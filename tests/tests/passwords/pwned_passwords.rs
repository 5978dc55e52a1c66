//! The range protocol of Have I Been Pwned, spoken to a server of the test's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::passwords::{BreachList as _, PasswordError, PwnedPasswords};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// SHA-1 of "password" is `5BAA6` and this.
const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
const OTHER: &str = "003D68EB55068C33ACE09247EE4C639306B:3";

/// Answers every request with these bytes, and keeps what it was asked.
struct Server {
    url: String,
    requests: Arc<Mutex<String>>,
}

impl Server {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let (answer, requests) = (answer.into(), Arc::new(Mutex::new(String::new())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = connection.read_u8().await else { break };
                    head.push(byte);
                }
                seen.lock().unwrap().push_str(&String::from_utf8(head).unwrap());
                // Whoever has read enough hangs up.
                let _ = connection.write_all(&answer).await;
                if answer.is_empty() {
                    // Says nothing, and stays.
                    let _ = connection.read_u8().await;
                }
            }
        });
        Self { url, requests }
    }

    async fn with_body(body: &str) -> Self {
        Self::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
    }

    async fn ask(&self, password: &str) -> Result<bool, PasswordError> {
        PwnedPasswords::at(&self.url)?.contains(&password.into()).await
    }
}

fn is_no_answer(answer: &Result<bool, PasswordError>) -> bool {
    matches!(answer, Err(PasswordError::BreachList(_)))
}

#[tokio::test]
async fn only_five_digits_of_the_digest_leave_the_machine() {
    let server = Server::with_body(&format!("{OTHER}\r\n{SUFFIX}:10434004\r\n")).await;
    assert!(server.ask("password").await.unwrap());
    let request = server.requests.lock().unwrap().clone();
    assert!(request.starts_with("GET /range/5BAA6 HTTP/1.1\r\n"), "{request}");
    let lower = request.to_lowercase();
    assert!(lower.contains("add-padding: true\r\n") && lower.contains("user-agent: auth/"), "{request}");
    for secret in ["password", "1e4c9", "5baa61", "fd8"] {
        assert!(!lower.contains(secret), "{request}");
    }
}

#[tokio::test]
async fn what_is_not_in_the_answer_or_is_padding_is_not_breached() {
    for body in [OTHER.to_owned(), String::new(), format!("{OTHER}\r\n{SUFFIX}:0\r\n")] {
        assert!(!Server::with_body(&body).await.ask("password").await.unwrap(), "{body}");
    }
    for body in [format!("{}:2", SUFFIX.to_lowercase()), format!("{OTHER}\n{SUFFIX}:1")] {
        assert!(Server::with_body(&body).await.ask("password").await.unwrap(), "{body}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_protocol_is_no_answer() {
    for body in [
        "<html>Log in to the hotel's network</html>".to_owned(),
        SUFFIX.to_owned(),
        format!("{SUFFIX}:"),
        format!("{SUFFIX}:many"),
        format!("{OTHER}\r\n5BAA6{SUFFIX}:1\r\n"),
        format!("{SUFFIX}:1\r\nand more"),
    ] {
        let answer = Server::with_body(&body).await.ask("password").await;
        assert!(is_no_answer(&answer), "{body} {answer:?}");
    }
    for head in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "nothing of the kind\r\n\r\n",
    ] {
        let answer = Server::answering(head).await.ask("password").await;
        assert!(is_no_answer(&answer), "{head} {answer:?}");
    }
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Server::with_body(OTHER).await;
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {}/range/5BAA6\r\nContent-Length: 0\r\n\r\n", elsewhere.url);
    assert!(is_no_answer(&Server::answering(head).await.ask("password").await));
    assert_eq!(*elsewhere.requests.lock().unwrap(), "");
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let body = format!("{OTHER}\r\n").repeat(30_000);
    assert!(body.len() > 1 << 20);
    assert!(is_no_answer(&Server::with_body(&body).await.ask("password").await));
}

#[tokio::test]
async fn silence_ends_with_the_time_out_and_errors_do_not_tell_the_digits() {
    let silent = Server::answering("").await;
    let list = PwnedPasswords::at(&silent.url).unwrap().with_timeout(Duration::from_millis(200));
    let error = list.contains(&"password".into()).await.unwrap_err();
    let mut text = format!("{error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text} {error} {error:?}");
        cause = error.source();
    }
    assert!(!text.contains("5BAA6"), "{text}");
    assert!(is_no_answer(&PwnedPasswords::at("http://127.0.0.1:1").unwrap().contains(&"password".into()).await));
}

#[test]
fn the_url_is_safe() {
    assert!(PwnedPasswords::new().is_ok());
    for url in ["https://pwned.example.org/mirror/", "http://localhost:8080", "http://[::1]:80", "http://127.0.0.1"] {
        assert!(PwnedPasswords::at(url).is_ok(), "{url}");
    }
    for url in [
        "",
        "pwned.example.org",
        "http://api.pwnedpasswords.com",
        "http://127.0.0.1.example.org",
        "http://localhost@example.org",
        "https://user:word@example.org",
        "https://example.org/?q",
        "https://example.org/#f",
        "ftp://localhost",
        "file:///etc/passwd",
    ] {
        assert!(PwnedPasswords::at(url).is_err(), "{url}");
    }
}
