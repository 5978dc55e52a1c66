use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, TlsMode, Value};
use tokio::sync::{mpsc, watch};

use super::address::refused;
use super::connection::{Link, tcp};
use super::{Address, RedisFailure};
use crate::BoxFuture;

/// The server that sentinels call the master.
struct Sentinel {
    master: watch::Receiver<Option<Master>>,
    lost: mpsc::Sender<u64>,
}

#[derive(Clone)]
struct Master {
    connection: MultiplexedConnection,
    /// Which one it is, so that the failure of one is not taken for that of the next.
    number: u64,
}

pub(super) async fn open(address: &Address, timeout: Duration) -> Result<Arc<dyn Link>, RedisFailure> {
    let client = client(address, timeout)?;
    let (found, mut master) = watch::channel(None);
    let (lost, losses) = mpsc::channel(64);
    tokio::spawn(follow(client, timeout, found, losses));
    master.wait_for(Option::is_some).await.map_err(|_| stopped())?;
    Ok(Arc::new(Sentinel { master, lost }))
}

pub(super) fn client(address: &Address, timeout: Duration) -> Result<SentinelClient, RedisFailure> {
    let sentinels = address.servers.iter().map(|server| server.addr().clone());
    let settings = address.servers[0].redis_settings();
    let mut builder = SentinelClientBuilder::new(sentinels, &address.sentinels.master, SentinelServerType::Master)
        .map_err(refused)?
        .set_client_to_redis_db(settings.db())
        .set_client_to_redis_protocol(settings.protocol())
        .set_client_to_redis_tcp_settings(tcp(timeout))
        .set_client_to_sentinel_tcp_settings(tcp(timeout));
    if let Some(username) = settings.username() {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(username) = &address.sentinels.username {
        builder = builder.set_client_to_sentinel_username(username.expose());
    }
    if let Some(password) = &address.sentinels.password {
        builder = builder.set_client_to_sentinel_password(password.expose());
    }
    if address.tls.is_some() {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    #[cfg(feature = "redis-tls")]
    if let Some(certificates) = super::tls::certificates(address)? {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build().map_err(refused)
}

/// Asks the sentinels who the master is, and again whenever it was lost, until nobody wants to know any more.
///
/// A task of its own, so that requests that are given up do not keep it from finding out.
async fn follow(
    mut client: SentinelClient,
    timeout: Duration,
    found: watch::Sender<Option<Master>>,
    mut losses: mpsc::Receiver<u64>,
) {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(Some(timeout));
    let mut number = 0;
    loop {
        let mut pause = Duration::from_millis(20);
        let connection = loop {
            match client.get_async_connection_with_config(&config).await {
                Ok(connection) => break connection,
                Err(error) => tracing::warn!(%error, "the sentinels name no master"),
            }
            if tokio::time::timeout(pause, found.closed()).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(Duration::from_millis(250));
        };
        number += 1;
        found.send_replace(Some(Master { connection, number }));
        loop {
            match losses.recv().await {
                Some(lost) if lost == number => break,
                Some(_) => {}
                None => return,
            }
        }
        found.send_replace(None);
    }
}

impl Link for Sentinel {
    fn send<'a>(&'a self, command: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>> {
        let mut master = self.master.clone();
        Box::pin(async move {
            let master = master.wait_for(Option::is_some).await.map_err(|_| stopped())?.clone();
            let Some(Master { mut connection, number }) = master else {
                return Err((ErrorKind::Io, "there is no master").into());
            };
            let result = connection.req_packed_command(command).await.and_then(Value::extract_error);
            if matches!(&result, Err(error) if is_lost(error)) {
                // Were the queue full, others would have told of the same.
                let _ = self.lost.try_send(number);
            }
            result
        })
    }

    fn suspect(&self) {
        if let Some(master) = &*self.master.borrow() {
            let _ = self.lost.try_send(master.number);
        }
    }
}

fn stopped() -> RedisError {
    (ErrorKind::Io, "nobody asks the sentinels any more").into()
}

/// Whether another server may be the master now.
fn is_lost(error: &RedisError) -> bool {
    let is_replica = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown));
    is_replica || error.is_io_error() || error.is_unrecoverable_error()
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sentinel")
    }
}
