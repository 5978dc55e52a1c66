use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use super::{Credential, Held};
use crate::accounts::{Auth, Error};
use crate::records::{NewRecord, RecordKind};
use crate::secret::{self, SecretString};
use crate::sessions::{Session, SessionDigest};
use crate::users::UserModel;

const KIND: RecordKind = RecordKind::new("socket_ticket");
const PREFIX: &str = "wst_";

/// How long a ticket is good.
pub(crate) const TICKET_SECONDS: i64 = 30;

impl<U: UserModel> Auth<U> {
    /// A ticket for one WebSocket of whoever is logged in, in this session: for clients that cannot send its cookie there, as
    /// where sockets are on another host. `None` where nobody is.
    ///
    /// It goes into the socket's address, `?ticket=…`, is good for 30 seconds, once, and for nothing but opening a socket. The
    /// socket ends with the session that the ticket was made in.
    ///
    /// # Security
    /// 256 random bits, of which the store of records holds a digest. A ticket is dead when its session is, when the session's key or
    /// the user's password was changed, and when the user is not active any more.
    ///
    /// # Errors
    /// When a store fails, and where sessions are kept in their cookies: there is nothing to tie a ticket to.
    pub async fn socket_ticket(&self, session: &Session) -> Result<Option<SecretString>, Error> {
        if !self.carrier().is_on_server() {
            const IN_COOKIES: &str = "there are no tickets for sessions that are kept in their cookies";
            return Err(Error::Configuration(IN_COOKIES.to_owned()));
        }
        let (Some(id), Some(verifier)) = (session.stored_digest(), session.stored_verifier()) else { return Ok(None) };
        let credential = Credential::Session { id, verifier };
        let Some(held) = self.check(&credential, false).await? else { return Ok(None) };
        let text = format!("{PREFIX}{}", Base64UrlUnpadded::encode_string(&secret::random::<32>()));
        let record = NewRecord {
            owner: Some(held.principal.id().to_owned()),
            value: [id.as_bytes().as_slice(), &verifier].concat(),
            expires_at: self.inner().clock.now() + TimeDelta::seconds(TICKET_SECONDS),
        };
        let ticket = SecretString::from(text);
        if !self.authentication().inner().records.insert(KIND, &known_by(&ticket), record).await? {
            return Err(Error::Configuration("the random generator repeats itself".to_owned()));
        }
        Ok(Some(ticket))
    }

    /// Takes a ticket: of many who bring the same, one comes in.
    ///
    /// # Errors
    /// When a store fails.
    pub(crate) async fn take_ticket(&self, ticket: &SecretString) -> Result<Option<(Credential, Held)>, Error> {
        if !is_ticket(ticket) {
            return Ok(None);
        }
        let Some(record) = self.authentication().inner().records.take(KIND, &known_by(ticket)).await? else {
            return Ok(None);
        };
        let (id, verifier) = match record.value.split_first_chunk() {
            Some((id, verifier)) => (SessionDigest::from_bytes(*id), verifier.try_into()),
            None => return Ok(None),
        };
        let (Ok(verifier), true) = (verifier, self.inner().clock.now() < record.expires_at) else { return Ok(None) };
        let credential = Credential::Session { id, verifier };
        let held = self.check(&credential, false).await?;
        let held = held.filter(|held| record.owner.as_deref() == Some(held.principal.id()));
        Ok(held.map(|held| (credential, held)))
    }
}

/// Whether it looks like one.
pub(crate) fn is_ticket(text: &SecretString) -> bool {
    text.expose().strip_prefix(PREFIX).is_some_and(|bits| bits.len() == 43)
}

/// What the store knows it by.
fn known_by(ticket: &SecretString) -> String {
    let digest = Sha256::new().chain_update(b"auth: socket ticket: ").chain_update(ticket.expose()).finalize();
    SessionDigest::from_bytes(digest.into()).to_string()
}
