use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2};
use redis::{Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use super::address::{Kind, refused};
#[cfg(feature = "redis-cluster")]
use super::cluster;
use super::script::Call;
#[cfg(feature = "redis-sentinel")]
use super::sentinel;
use super::{Address, RedisFailure, single};
use crate::BoxFuture;

/// A way to the server that holds a key: all requests share it, and it is made again by itself when it breaks.
pub(super) trait Link: fmt::Debug + Send + Sync {
    /// Sends a command once.
    fn send<'a>(&'a self, command: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>>;

    /// Told when no answer came in time.
    fn suspect(&self) {}
}

/// Makes a link.
type Open = for<'a> fn(&'a Address, Duration) -> BoxFuture<'a, Result<Arc<dyn Link>, RedisFailure>>;

struct Links {
    kind: Kind,
    open: Open,
}

const LINKS: &[Links] = &[
    Links { kind: Kind::Single, open: |address, timeout| Box::pin(single::open(address, timeout)) },
    #[cfg(feature = "redis-sentinel")]
    Links { kind: Kind::Sentinel, open: |address, timeout| Box::pin(sentinel::open(address, timeout)) },
    #[cfg(feature = "redis-cluster")]
    Links { kind: Kind::Cluster, open: |address, timeout| Box::pin(cluster::open(address, timeout)) },
];

fn links(address: &Address) -> Result<&'static Links, RedisFailure> {
    LINKS.iter().find(|links| links.kind == address.kind).ok_or_else(|| {
        let missing = "this address needs the feature `redis-cluster` or `redis-sentinel`";
        RedisFailure::Configuration(missing.to_owned())
    })
}

/// The servers that the address names.
pub(super) fn named(address: &Address, timeout: Duration) -> Result<Vec<Client>, RedisFailure> {
    let client = |server: &ConnectionInfo| {
        let server = server.clone().set_tcp_settings(tcp(timeout));
        #[cfg(feature = "redis-tls")]
        let server = super::tls::trusting(server, address)?;
        Client::open(server).map_err(refused)
    };
    address.servers.iter().map(client).collect()
}

/// How the server is asked.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    link: Arc<dyn Link>,
    timeout: Duration,
}

impl Connection {
    /// How often a command is sent at the most.
    const TRIES: u32 = 5;

    pub(crate) async fn open(address: &Address, timeout: Duration) -> Result<Self, RedisFailure> {
        let open = links(address)?.open;
        let link = tokio::time::timeout(timeout, open(address, timeout)).await??;
        Ok(Self { link, timeout })
    }

    /// Does some work, for which there is the whole time-out.
    ///
    /// However far it came when the time is over, what the server holds is whole.
    pub(crate) async fn in_time<T, E: From<RedisFailure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|elapsed| {
            self.link.suspect();
            Err(RedisFailure::from(elapsed).into())
        })
    }

    /// Runs a script: once, as every change.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: Call<'_>) -> Result<T, RedisFailure> {
        match self.change(&call.by_digest()).await {
            Err(RedisFailure::Server(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.change(&call.whole()).await
            }
            result => result,
        }
    }

    /// Sends a command that changes something: once, since nobody knows whether one that broke off was run.
    pub(crate) async fn change<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisFailure> {
        parse(self.send(command, was_not_run).await)
    }

    /// Sends a command that changes nothing. It is tried again on the next connection, so that a server that was
    /// restarted between two requests is not noticed.
    #[cfg_attr(
        not(any(feature = "cache-redis", feature = "record-redis", feature = "session-redis")),
        expect(dead_code, reason = "limits are never only read")
    )]
    pub(crate) async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisFailure> {
        parse(self.send(command, may_read_again).await)
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

fn parse<T: FromRedisValue>(result: RedisResult<Value>) -> Result<T, RedisFailure> {
    Ok(redis::from_redis_value(result?).map_err(RedisError::from)?)
}

/// How one talks to a server; one that vanished without a word would otherwise keep its connection for a quarter of an
/// hour.
pub(super) fn tcp(timeout: Duration) -> TcpSettings {
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(socket2::TcpKeepalive::new());
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(timeout * 2);
    tcp
}
