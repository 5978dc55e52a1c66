use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, RedisResult, Value};

use super::connection::{Link, named};
use super::{Address, RedisFailure};
use crate::BoxFuture;

/// One server.
struct Single(ConnectionManager);

pub(super) async fn open(address: &Address, timeout: Duration) -> Result<Arc<dyn Link>, RedisFailure> {
    let client = named(address, timeout)?.swap_remove(0);
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
        .set_pipeline_buffer_size(1024)
        .set_number_of_retries(3)
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(500));
    let manager = ConnectionManager::new_with_config(client, config).await?;
    Ok(Arc::new(Single(manager)))
}

impl Link for Single {
    fn send<'a>(&'a self, command: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>> {
        let mut manager = self.0.clone();
        Box::pin(async move { manager.req_packed_command(command).await?.extract_error() })
    }
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Single")
    }
}
