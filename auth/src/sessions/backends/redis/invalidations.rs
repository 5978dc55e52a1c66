use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{RedisSessionBackend, valid_prefix};
use crate::redis::{self as server, Address, Connection};
use crate::registry::Url;
use crate::secret;
use crate::sessions::{Invalidated, Listening, SessionDigest, SessionError, SessionInvalidations};

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
    told: mpsc::Sender<Invalidated>,
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

    /// How many messages wait to be sent; more are lost.
    const WAITING: usize = 1024;

    /// Connects to the server at this address, in a tokio runtime, which sends and listens beside the caller.
    ///
    /// # Errors
    /// As [`RedisSessionBackend::connect`].
    pub async fn connect(url: impl Into<Url>) -> Result<Self, SessionError> {
        let address = Address::parse(&url.into())?;
        let timeout = address.timeout.unwrap_or(RedisSessionBackend::TIMEOUT);
        let prefix = valid_prefix(address.prefix.as_deref().unwrap_or(RedisSessionBackend::PREFIX))?;
        let (channel, speaker): (Arc<str>, _) = (format!("{prefix}changes").into(), secret::random());
        let (told, messages) = mpsc::channel(Self::WAITING);
        let connection = Connection::open(&address, timeout).await?;
        tokio::spawn(send(messages, connection, channel.clone(), speaker));
        Ok(Self { told, channel, address: Arc::new(address), timeout, speaker })
    }

    /// Listens for ever.
    async fn listen_on(self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) {
        loop {
            if let Err(error) = self.listen_once(&heard).await {
                tracing::warn!(%error, "changes of sessions elsewhere are not heard of; copies go by time alone");
            }
            heard(Invalidated::Every);
            tokio::time::sleep(Self::PAUSE).await;
        }
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
        heard(Invalidated::Every);
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
        for client in server::clients(&self.address, self.timeout).await? {
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
        PushKind::Disconnection => return Some(Invalidated::Every),
        _ => return None,
    };
    let Value::BulkString(payload) = payload else {
        return Some(Invalidated::Every);
    };
    match payload.split_first_chunk() {
        Some((speaker, _)) if speaker == own => None,
        Some((_, what)) => Some(decode(what).unwrap_or(Invalidated::Every)),
        None => Some(Invalidated::Every),
    }
}

fn encode(what: &Invalidated) -> Vec<u8> {
    match what {
        Invalidated::One(id) => id.as_bytes().to_vec(),
        Invalidated::OfUser(user) => [&[OF_USER], user.as_slice()].concat(),
        Invalidated::Every => Vec::new(),
    }
}

/// What is not understood may be any.
fn decode(what: &[u8]) -> Option<Invalidated> {
    match what.split_first_chunk() {
        Some((id, [])) => Some(Invalidated::One(SessionDigest::from_bytes(*id))),
        _ => match what {
            [OF_USER, user @ ..] => user.try_into().ok().map(Invalidated::OfUser),
            _ => None,
        },
    }
}

/// What stands before a user's digest. Processes of before understand it as all sessions.
const OF_USER: u8 = b'u';

/// Sends what is told, until nobody is there to tell it.
async fn send(mut told: mpsc::Receiver<Invalidated>, connection: Connection, channel: Arc<str>, speaker: [u8; 16]) {
    while let Some(what) = told.recv().await {
        let mut command = redis::cmd("PUBLISH");
        command.arg(&*channel).arg([speaker.as_slice(), &encode(&what)].concat());
        // Said twice it means the same.
        if let Err(error) = connection.in_time(connection.read::<()>(&command)).await {
            tracing::warn!(%error, "others are not told of a changed session; their copies go by time alone");
        }
    }
}

impl SessionInvalidations for RedisInvalidations {
    fn publish(&self, what: Invalidated) {
        if self.told.try_send(what).is_err() {
            tracing::warn!("too many changes of sessions to tell others of; their copies go by time alone");
        }
    }

    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> Listening {
        Listening::until_dropped(Task(tokio::spawn(self.clone().listen_on(heard))))
    }
}

/// A task that ends when dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
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
        for what in [Invalidated::One(id), Invalidated::of_user("7"), Invalidated::Every] {
            let said = message(&[[2; 16].as_slice(), &encode(&what)].concat());
            assert_eq!(read(&said, &own), Some(what));
        }
        for payload in [&b""[..], b"x", &[2; 47], &[2; 49], &[b'u'; 48 + 2]] {
            assert_eq!(read(&message(payload), &own), Some(Invalidated::Every));
        }
        assert_eq!(read(&PushInfo { kind: PushKind::Disconnection, data: vec![] }, &own), Some(Invalidated::Every));
        assert_eq!(read(&PushInfo { kind: PushKind::Subscribe, data: vec![] }, &own), None);
    }
}
