use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2};
use redis::{Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use super::address::{Address, Kind};
#[cfg(feature = "session-redis-cluster")]
use super::cluster;
use super::script::Call;
#[cfg(feature = "session-redis-sentinel")]
use super::sentinel;
use super::single;
use crate::BoxFuture;
use crate::sessions::SessionError;

/// A way to the server that holds a key: all requests share it, and it is made again by itself when it breaks.
pub(super) trait Link: fmt::Debug + Send + Sync {
    /// Sends a command once.
    fn send<'a>(&'a self, command: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>>;

    /// Whether one server has all keys.
    fn has_all_keys(&self) -> bool {
        true
    }

    /// Told when no answer came in time.
    fn suspect(&self) {}
}

/// Makes a link.
type Open = for<'a> fn(&'a Address, Duration) -> BoxFuture<'a, Result<Arc<dyn Link>, SessionError>>;

/// Where one can subscribe: at any of them.
type Clients = for<'a> fn(&'a Address, Duration) -> BoxFuture<'a, Result<Vec<Client>, SessionError>>;

struct Links {
    kind: Kind,
    open: Open,
    clients: Clients,
}

const LINKS: &[Links] = &[
    Links {
        kind: Kind::Single,
        open: |address, timeout| Box::pin(single::open(address, timeout)),
        clients: |address, timeout| Box::pin(async move { named(address, timeout) }),
    },
    #[cfg(feature = "session-redis-sentinel")]
    Links {
        kind: Kind::Sentinel,
        open: |address, timeout| Box::pin(sentinel::open(address, timeout)),
        clients: |address, timeout| Box::pin(sentinel::master(address, timeout)),
    },
    #[cfg(feature = "session-redis-cluster")]
    Links {
        kind: Kind::Cluster,
        open: |address, timeout| Box::pin(cluster::open(address, timeout)),
        clients: |address, timeout| Box::pin(async move { named(address, timeout) }),
    },
];

fn links(address: &Address) -> Result<&'static Links, SessionError> {
    LINKS.iter().find(|links| links.kind == address.kind).ok_or_else(|| {
        let missing = "this address needs the feature `session-redis-cluster` or `session-redis-sentinel`";
        SessionError::Configuration(missing.to_owned())
    })
}

/// Servers to subscribe at.
pub(super) async fn clients(address: &Address, timeout: Duration) -> Result<Vec<Client>, SessionError> {
    (links(address)?.clients)(address, timeout).await
}

/// The servers that the address names.
pub(super) fn named(address: &Address, timeout: Duration) -> Result<Vec<Client>, SessionError> {
    let client = |server: &ConnectionInfo| {
        let server = server.clone().set_tcp_settings(tcp(timeout));
        #[cfg(feature = "session-redis-tls")]
        let server = super::tls::trusting(server, address)?;
        Client::open(server).map_err(SessionError::no_redis)
    };
    address.servers.iter().map(client).collect()
}

/// How the server is asked.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    link: Arc<dyn Link>,
    timeout: Duration,
}

impl Connection {
    /// How often a command is sent at the most.
    const TRIES: u32 = 5;

    pub(super) async fn open(address: &Address, timeout: Duration) -> Result<Self, SessionError> {
        let open = links(address)?.open;
        let link = tokio::time::timeout(timeout, open(address, timeout)).await.map_err(SessionError::store)??;
        Ok(Self { link, timeout })
    }

    /// Does some work, for which there is the whole time-out.
    ///
    /// However far it came when the time is over, what the server holds is whole.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|elapsed| {
            self.link.suspect();
            Err(SessionError::store(elapsed))
        })
    }

    /// Runs a script: once, since nobody knows whether one that broke off was run.
    pub(super) async fn run<T: FromRedisValue>(&self, call: Call<'_>) -> Result<T, SessionError> {
        let mut result = self.send(&call.by_digest(), was_not_run).await;
        if matches!(&result, Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)) {
            result = self.send(&call.whole(), was_not_run).await;
        }
        parse(result)
    }

    /// Sends a command that changes nothing. It is tried again on the next connection, so that a server that was
    /// restarted between two requests is not noticed.
    pub(super) async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, SessionError> {
        parse(self.send(command, may_read_again).await)
    }

    /// At most the first `length` bytes of a value; none where there is no value, or one of another type.
    pub(super) async fn start_of(&self, key: &str, length: usize) -> Result<Vec<u8>, SessionError> {
        let mut command = redis::cmd("GETRANGE");
        command.arg(key).arg(0).arg(length - 1);
        match self.send(&command, may_read_again).await {
            Err(error) if error.code() == Some("WRONGTYPE") => {
                tracing::warn!("a value of another type stands where sessions are kept; it counts as none");
                Ok(Vec::new())
            }
            result => parse(result),
        }
    }

    async fn send(&self, command: &Cmd, again: fn(&RedisError) -> bool) -> RedisResult<Value> {
        let mut pause = Duration::from_millis(10);
        for _ in 1..Self::TRIES {
            match self.link.send(command).await {
                Err(error) if again(&error) => {}
                result => return result,
            }
            tokio::time::sleep(pause).await;
            pause *= 3;
        }
        self.link.send(command).await
    }

    /// The next keys that match, about so many, and the cursor to go on with; 0 begins and ends.
    pub(super) async fn scan(
        &self,
        cursor: u64,
        pattern: &str,
        count: u32,
    ) -> Result<(u64, Vec<Vec<u8>>), SessionError> {
        let mut command = redis::cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
        self.read(&command).await
    }

    /// Whether one server has all keys.
    pub(super) fn has_all_keys(&self) -> bool {
        self.link.has_all_keys()
    }
}

/// Whether a server refused a command, or none was asked, for a reason that may pass.
fn was_not_run(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    match error.kind() {
        ErrorKind::Server(kind) => {
            matches!(kind, Ask | BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly | TryAgain)
        }
        kind => kind == ErrorKind::ClusterConnectionNotFound,
    }
}

/// Whether another connection may do better. One that is refused does not: nobody is there.
fn may_read_again(error: &RedisError) -> bool {
    was_not_run(error) || (error.is_connection_dropped() && !error.is_connection_refusal())
}

fn parse<T: FromRedisValue>(result: RedisResult<Value>) -> Result<T, SessionError> {
    let value = result.map_err(SessionError::store)?;
    redis::from_redis_value(value).map_err(SessionError::store)
}

/// How one talks to a server; one that vanished without a word would otherwise keep its connection for a quarter of an
/// hour.
pub(super) fn tcp(timeout: Duration) -> TcpSettings {
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(socket2::TcpKeepalive::new());
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(timeout * 2);
    tcp
}
