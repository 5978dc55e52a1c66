//! Who asks: a client with its secret, or a public one with its name (RFC 6749 §2.3).

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::{OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode};
use crate::audit::{AuditAction, Origin};
use crate::limits::{Backoff, Decision, Limit, LimitKey, OnSuccess, prefix};
use crate::secret::SecretString;

/// What a client brought to say who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientCredentials {
    client_id: String,
    secret: Option<SecretString>,
}

const LONGEST: usize = 4096;

impl ClientCredentials {
    /// Reads them from the header `Authorization` (`client_secret_basic`) or from the form (`client_secret_post`, `none`). There
    /// must be one of them: two are refused, also where they say the same.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`]
    pub fn read(
        authorization: Option<&str>,
        client_id: Option<&str>,
        client_secret: Option<&str>,
    ) -> Result<Self, OAuth2Error> {
        let Some(header) = authorization else {
            let client_id = client_id.ok_or(wrong("there is no client"))?.to_owned();
            return Ok(Self { client_id, secret: client_secret.map(SecretString::from) });
        };
        if client_secret.is_some() {
            return Err(OAuth2Error::invalid("a client says in one way who it is"));
        }
        let (name, secret) = basic(header).ok_or(wrong("`Authorization` has no client and secret"))?;
        if client_id.is_some_and(|client_id| client_id != name) {
            return Err(OAuth2Error::invalid("`client_id` and `Authorization` name two clients"));
        }
        Ok(Self { client_id: name, secret: Some(secret) })
    }
}

/// Both are encoded as in a form (§2.3.1).
fn basic(header: &str) -> Option<(String, SecretString)> {
    let (scheme, text) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || text.len() > LONGEST {
        return None;
    }
    let bytes = Zeroizing::new(Base64::decode_vec(text.trim()).ok()?);
    let (name, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((decode(name)?, decode(secret)?.into()))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let (hex, more) = rest.split_first_chunk::<2>()?;
                rest = more;
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(hex[0])? << 4 | digit(hex[1])?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn wrong(description: &'static str) -> OAuth2Error {
    OAuth2Error::refused(OAuth2ErrorCode::InvalidClient, description)
}

impl OAuth2Authentication {
    /// The client that these are of. An unknown client and a wrong secret look the same.
    ///
    /// Wrong secrets are limited, by client and source and by source; a right one never is: nobody guesses 256 bits, and nobody
    /// keeps a client out by guessing.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`] with `invalid_client`, [`OAuth2Error::TooMany`], or when a store fails.
    pub async fn authenticate_client(
        &self,
        credentials: &ClientCredentials,
        origin: &Origin,
    ) -> Result<OAuth2Application, OAuth2Error> {
        let ClientCredentials { client_id, secret } = credentials;
        let found = self.application(client_id).await?;
        let decoy = OAuth2Application::confidential("");
        let known = found.as_ref().unwrap_or(&decoy);
        let is_right = match secret {
            Some(secret) => known.has_secret(secret.expose()),
            None => !known.is_confidential(),
        };
        let is_known = found.is_some();
        if let Some(application) = found.filter(|application| {
            // A secret of a public client is a mistake that must not look like a success.
            is_right && application.is_confidential() == secret.is_some()
        }) {
            return Ok(application);
        }
        let source = origin.source.map(prefix).unwrap_or_default();
        let pair = LimitKey::new("oauth2 client", &[client_id.as_bytes(), &source]);
        let mut limits = vec![Limit::new(pair, Backoff::ACCOUNT_AND_SOURCE, OnSuccess::Keep)];
        limits.extend(Limit::by_source("oauth2 client source", origin.source, Backoff::SOURCE, OnSuccess::Keep));
        match self.inner.limiter.attempt(&limits).await? {
            Decision::Wait(wait) => Err(OAuth2Error::TooMany { wait }),
            Decision::Allowed(_counted) => {
                // Anybody can make up a name: that fills no trail.
                if is_known {
                    self.audit().record(AuditAction::ClientRefused { client: client_id.clone().into() }, None).await;
                }
                Err(wrong("the client is not who it says"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, SecretString)> {
        basic(&format!("Basic {}", Base64::encode_string(header.as_bytes())))
    }

    #[test]
    fn names_and_secrets_are_decoded_as_in_a_form() {
        let (name, secret) = read("a%3Ab+c:%25%2b+d").unwrap();
        assert_eq!((name.as_str(), secret.expose()), ("a:b c", "%+ d"));
        for bad in ["", "name", "a%:b", "a%4:b", "a%zz:b", "%ff:b"] {
            assert!(read(bad).is_none(), "{bad}");
        }
        assert!(basic("Bearer YTpi").is_none() && basic("Basic !").is_none() && basic("Basic").is_none());
    }

    #[test]
    fn there_is_one_way_to_say_who_one_is() {
        let header = format!("Basic {}", Base64::encode_string(b"a:b"));
        assert!(ClientCredentials::read(Some(&header), None, None).is_ok());
        assert!(ClientCredentials::read(Some(&header), Some("a"), None).is_ok());
        assert!(ClientCredentials::read(Some(&header), Some("c"), None).is_err());
        assert!(ClientCredentials::read(Some(&header), Some("a"), Some("b")).is_err());
        assert!(ClientCredentials::read(None, None, Some("b")).is_err());
        let shown = format!("{:?}", ClientCredentials::read(None, Some("a"), Some("hunter2")));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
