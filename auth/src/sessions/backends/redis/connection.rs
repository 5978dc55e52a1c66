use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::{TcpSettings, socket2};
use redis::{Client, FromRedisValue, IntoConnectionInfo as _, RedisError, ScriptInvocation};

use crate::registry::Url;
use crate::sessions::SessionError;

/// One connection that all requests share, made again by itself when it breaks. No call takes longer than the time-out.
#[derive(Clone)]
pub(super) struct Connection {
    manager: ConnectionManager,
    timeout: Duration,
}

impl Connection {
    pub(super) async fn open(url: &Url, timeout: Duration) -> Result<Self, SessionError> {
        let no_address = |error: RedisError| SessionError::Configuration(format!("no address of a Redis: {error}"));
        let info = url.expose().into_connection_info().map_err(no_address)?;
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(socket2::TcpKeepalive::new());
        // A server that vanished without a word would otherwise keep its connection for a quarter of an hour.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(timeout * 2);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(no_address)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout))
            .set_pipeline_buffer_size(1024)
            .set_number_of_retries(3)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(500));
        let manager = in_time(timeout, ConnectionManager::new_with_config(client, config)).await?;
        Ok(Self { manager, timeout })
    }

    /// Runs a script that changes something: once, since nobody knows whether one that broke off was run.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, SessionError> {
        let mut manager = self.manager.clone();
        in_time(self.timeout, script.invoke_async(&mut manager)).await
    }

    /// At most the first `length` bytes of a value; none where there is no value, or one of another type.
    ///
    /// A read is tried again on the next connection, so that a server that was restarted between two requests is not
    /// noticed.
    pub(super) async fn read(&self, key: &str, length: usize) -> Result<Vec<u8>, SessionError> {
        let mut manager = self.manager.clone();
        let mut command = redis::cmd("GETRANGE");
        command.arg(key).arg(0).arg(length - 1);
        in_time(self.timeout, async move {
            let mut result = command.query_async(&mut manager).await;
            if matches!(&result, Err(error) if error.is_connection_dropped()) {
                result = command.query_async(&mut manager).await;
            }
            match result {
                Err(error) if error.code() == Some("WRONGTYPE") => {
                    tracing::warn!("a value of another type stands where sessions are kept; it counts as none");
                    Ok(Vec::new())
                }
                result => result,
            }
        })
        .await
    }

    /// The next keys that match, about so many, and the cursor to go on with; 0 begins and ends.
    pub(super) async fn scan(
        &self,
        cursor: u64,
        pattern: &[u8],
        count: u32,
    ) -> Result<(u64, Vec<Vec<u8>>), SessionError> {
        let mut manager = self.manager.clone();
        let mut command = redis::cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
        in_time(self.timeout, command.query_async(&mut manager)).await
    }
}

async fn in_time<T>(timeout: Duration, work: impl Future<Output = Result<T, RedisError>>) -> Result<T, SessionError> {
    tokio::time::timeout(timeout, work).await.map_err(SessionError::store)?.map_err(SessionError::store)
}
