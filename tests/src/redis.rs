use redis::{Client, Cmd, FromRedisValue};
use uuid::Uuid;

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
    TestRedis { url, prefix: format!("auth-test-{}:", Uuid::new_v4().simple()) }
}

impl TestRedis {
    /// Sends a command.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        let mut connection =
            Client::open(self.url.as_str()).and_then(|client| client.get_connection()).expect("the server is there");
        command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
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
