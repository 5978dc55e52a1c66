use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};

use super::address::Address;
use super::connection::{self, Connection};
use super::{RedisSessionBackend, valid_prefix};
use crate::BoxFuture;
use crate::registry::Url;
use crate::secret;
use crate::sessions::{Invalidated, SessionDigest, SessionError, SessionInvalidations};

/// Passes on by Redis 6 or later which sessions were changed or ended, so that other processes drop the copies they hold.
///
/// The address is one as [`RedisSessionBackend`] takes it; the sessions themselves may be kept elsewhere. The channel is
/// `auth:session:changes`, or begins with the `prefix` that the address says: processes that share sessions share it.
///
/// A subscription is tested every second, made again when it breaks, and whatever it may have missed counts as changed.
///
/// # Security
/// A message holds a digest, from which no session key follows. Whoever can publish can make others ask their store again,
/// no more.
#[derive(Clone)]
pub struct RedisInvalidations {
    connection: Connection,
    address: Arc<Address>,
    timeout: Duration,
    channel: Arc<str>,
    /// Who speaks, so that nobody hears what they said themselves.
    speaker: [u8; 16],
}

impl RedisInvalidations {
    /// How often a subscription is tested.
    const TEST: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(200);

    /// Connects to the server at this address.
    ///
    /// # Errors
    /// As [`RedisSessionBackend::connect`].
    pub async fn connect(url: impl Into<Url>) -> Result<Self, SessionError> {
        let address = Address::parse(&url.into())?;
        let timeout = address.timeout.unwrap_or(RedisSessionBackend::TIMEOUT);
        let prefix = valid_prefix(address.prefix.as_deref().unwrap_or(RedisSessionBackend::PREFIX))?;
        Ok(Self {
            connection: Connection::open(&address, timeout).await?,
            channel: format!("{prefix}changes").into(),
            address: Arc::new(address),
            timeout,
            speaker: secret::random(),
        })
    }

    /// Listens until the subscription breaks.
    async fn listen_once(&self, heard: &Arc<dyn Fn(Invalidated) + Send + Sync>) -> Result<(), SessionError> {
        let (speaker, told) = (self.speaker, heard.clone());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout))
            .set_push_sender(move |push: PushInfo| {
                if let Some(invalidated) = read(&push, &speaker) {
                    told(invalidated);
                }
                Ok::<_, redis::aio::SendError>(())
            });
        let mut connection = self.subscribe(&config).await?;
        heard(Invalidated::All);
        loop {
            tokio::time::sleep(Self::TEST).await;
            let ping = redis::cmd("PING");
            let test = connection.req_packed_command(&ping);
            let answer = tokio::time::timeout(self.timeout, test).await.map_err(SessionError::store)?;
            answer.and_then(Value::extract_error).map_err(SessionError::store)?;
        }
    }

    /// At the first server that takes it: in a cluster all of them pass on what one is told.
    async fn subscribe(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, SessionError> {
        let mut failure = SessionError::store("there is no server");
        for client in connection::clients(&self.address, self.timeout).await? {
            match self.subscribe_at(&client, config).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = SessionError::store(error),
            }
        }
        Err(failure)
    }

    async fn subscribe_at(
        &self,
        client: &Client,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let info = client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(config).await?;
        connection.subscribe(&*self.channel).await?;
        Ok(connection)
    }
}

/// What a message says, unless it is one's own.
fn read(push: &PushInfo, own: &[u8; 16]) -> Option<Invalidated> {
    let payload = match push.kind {
        PushKind::Message => push.data.last()?,
        PushKind::Disconnection => return Some(Invalidated::All),
        _ => return None,
    };
    let Value::BulkString(payload) = payload else {
        return Some(Invalidated::All);
    };
    match payload.split_first_chunk() {
        Some((speaker, _)) if speaker == own => None,
        Some((_, id)) => match id.try_into() {
            Ok(id) => Some(Invalidated::One(SessionDigest::from_bytes(id))),
            Err(_) => Some(Invalidated::All),
        },
        None => Some(Invalidated::All),
    }
}

impl SessionInvalidations for RedisInvalidations {
    fn publish<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<(), SessionError>> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(&*self.channel).arg([self.speaker.as_slice(), id.as_bytes()].concat());
        // Said twice it means the same.
        Box::pin(async move { self.connection.in_time(self.connection.read::<()>(&command)).await })
    }

    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                if let Err(error) = self.listen_once(&heard).await {
                    tracing::warn!(%error, "changes of sessions elsewhere are not heard of; copies go by time alone");
                }
                heard(Invalidated::All);
                tokio::time::sleep(Self::PAUSE).await;
            }
        })
    }
}

impl fmt::Debug for RedisInvalidations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisInvalidations").field("channel", &self.channel).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> PushInfo {
        let data = vec![Value::BulkString(b"changes".to_vec()), Value::BulkString(payload.to_vec())];
        PushInfo { kind: PushKind::Message, data }
    }

    #[test]
    fn what_is_not_understood_may_be_any_session() {
        let (own, id) = ([1; 16], SessionDigest::from_bytes([7; 32]));
        let said = |speaker: [u8; 16]| message(&[speaker.as_slice(), id.as_bytes()].concat());
        assert_eq!(read(&said([2; 16]), &own), Some(Invalidated::One(id)));
        assert_eq!(read(&said(own), &own), None);
        for payload in [&b""[..], b"x", &[2; 47], &[2; 49]] {
            assert_eq!(read(&message(payload), &own), Some(Invalidated::All));
        }
        assert_eq!(read(&PushInfo { kind: PushKind::Disconnection, data: vec![] }, &own), Some(Invalidated::All));
        assert_eq!(read(&PushInfo { kind: PushKind::Subscribe, data: vec![] }, &own), None);
    }
}
