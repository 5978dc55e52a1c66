use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike as _;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use super::address::refused;
use super::connection::{Link, tcp};
use super::{Address, RedisFailure};
use crate::BoxFuture;

/// The masters of a cluster, of which each holds the keys of its slots.
struct Cluster(ClusterConnection);

pub(super) async fn open(address: &Address, timeout: Duration) -> Result<Arc<dyn Link>, RedisFailure> {
    let client = ClusterClient::builder(address.servers.clone())
        .connection_timeout(timeout)
        .response_timeout(timeout)
        .tcp_settings(tcp(timeout))
        // It would send a script again of which nobody knows whether it was run.
        .retries(0);
    #[cfg(feature = "redis-tls")]
    let client = match super::tls::certificates(address)? {
        Some(certificates) => client.certs(certificates),
        None => client,
    };
    let client = client.build().map_err(refused)?;
    Ok(Arc::new(Cluster(client.get_async_connection().await?)))
}

impl Link for Cluster {
    fn send<'a>(&'a self, command: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>> {
        let mut connection = self.0.clone();
        Box::pin(async move {
            let result = connection.req_packed_command(command).await.and_then(Value::extract_error);
            match result.as_ref().err().and_then(migrating_to) {
                Some(node) => ask(&mut connection, command, node).await,
                None => result,
            }
        })
    }
}

/// The node that has the key already, while its slot is still another's.
fn migrating_to(error: &RedisError) -> Option<SingleNodeRoutingInfo> {
    let (node, _) = error.redirect_node().filter(|_| error.kind() == ErrorKind::Server(ServerErrorKind::Ask))?;
    let (host, port) = node.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

async fn ask(connection: &mut ClusterConnection, command: &Cmd, node: SingleNodeRoutingInfo) -> RedisResult<Value> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("ASKING").ignore().add_command(command.clone());
    let answers = connection.route_pipeline(pipeline, 1, 1, node).await?;
    let answer = answers.into_iter().next();
    answer.ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "no answer")))?.extract_error()
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}
