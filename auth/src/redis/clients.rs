use std::time::Duration;

use redis::Client;

use super::connection::named;
#[cfg(feature = "redis-sentinel")]
use super::sentinel;
use super::{Address, RedisFailure};

/// Servers to subscribe at: any of them will do.
pub(crate) async fn clients(address: &Address, timeout: Duration) -> Result<Vec<Client>, RedisFailure> {
    #[cfg(feature = "redis-sentinel")]
    if address.kind == super::Kind::Sentinel {
        return Ok(vec![sentinel::client(address, timeout)?.async_get_client().await?]);
    }
    named(address, timeout)
}
