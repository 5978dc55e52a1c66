//! Where the server is, and how it is spoken to.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use super::SmtpError;
use crate::secret::SecretString;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: Option<u16>,
    encryption: Encryption,
    login: Option<(SecretString, SecretString)>,
    authorities: Option<Arc<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Tls,
    StartTls,
    None,
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self, SmtpError> {
        let wrong = || SmtpError::Address;
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let encryption = match scheme {
            "smtps" => Encryption::Tls,
            "smtp" if is_loopback(host) => Encryption::None,
            "smtp" => Encryption::StartTls,
            _ => return Err(wrong()),
        };
        let login = match authority.as_str().rsplit_once('@') {
            Some((login, _)) => Some(read_login(login).ok_or_else(wrong)?),
            None => None,
        };
        // What stands after the host is none of what this reads: a setting there would be passed over.
        if host.is_empty() || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port: authority.port_u16(), encryption, login, authorities: None })
    }

    pub(super) fn trust(&mut self, pem: &Path) -> Result<(), SmtpError> {
        let none = || SmtpError::Authorities(pem.to_owned());
        let text = std::fs::read(pem).map_err(|_| none())?;
        if !text.windows(BEGIN.len()).any(|part| part == BEGIN) {
            return Err(none());
        }
        self.authorities = Some(text.into());
        self.tls().map(drop).map_err(|_| none())
    }

    pub(super) fn start_tls(&mut self) {
        if self.encryption == Encryption::None {
            self.encryption = Encryption::StartTls;
        }
    }

    pub(super) fn plain_text(&mut self) {
        if self.encryption == Encryption::StartTls {
            self.encryption = Encryption::None;
        }
    }

    pub(super) fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SmtpError> {
        let (port, tls) = match self.encryption {
            Encryption::Tls => (465, Tls::Wrapper(self.tls()?)),
            Encryption::StartTls => (587, Tls::Required(self.tls()?)),
            Encryption::None => (25, Tls::None),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host);
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.expose().to_owned(), password.expose().to_owned()));
        }
        Ok(builder.port(self.port.unwrap_or(port)).tls(tls).build())
    }

    fn tls(&self) -> Result<TlsParameters, SmtpError> {
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.authorities {
            let roots = Certificate::from_pem(pem).map_err(unusable)?;
            parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(roots);
        }
        parameters.build_rustls().map_err(unusable)
    }
}

fn unusable(error: lettre::transport::smtp::Error) -> SmtpError {
    SmtpError::Unreachable(error.into())
}

/// `user:password`, each percent-encoded.
fn read_login(login: &str) -> Option<(SecretString, SecretString)> {
    let (user, password) = login.split_once(':')?;
    let (user, password) = (percent_decoded(user)?, percent_decoded(password)?);
    (!user.expose().is_empty() && !password.expose().is_empty()).then_some((user, password))
}

fn percent_decoded(text: &str) -> Option<SecretString> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.into())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Without the login.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("host", &self.host).field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encryption(url: &str) -> Encryption {
        Server::new(url).unwrap().encryption
    }

    #[test]
    fn only_a_loopback_address_is_spoken_to_plainly() {
        for url in ["smtp://localhost", "smtp://127.0.0.1:1025", "smtp://[::1]:25", "smtp://LOCALHOST/"] {
            assert_eq!(encryption(url), Encryption::None, "{url}");
        }
        for url in
            ["smtp://mail.example.org", "smtp://localhost.example.org", "smtp://10.0.0.1", "smtp://127.0.0.1.nip.io"]
        {
            assert_eq!(encryption(url), Encryption::StartTls, "{url}");
        }
        for url in ["smtps://mail.example.org", "smtps://localhost"] {
            let mut server = Server::new(url).unwrap();
            server.plain_text();
            assert_eq!(server.encryption, Encryption::Tls, "{url}");
        }
        let mut loopback = Server::new("smtp://127.0.0.1").unwrap();
        loopback.start_tls();
        assert_eq!(loopback.encryption, Encryption::StartTls);
    }

    #[test]
    fn user_and_password_are_decoded() {
        let server = Server::new("smtps://me%40example.org:p%3Ass%2Fw%25rd@[2001:db8::1]:2465").unwrap();
        let (user, password) = server.login.unwrap();
        assert_eq!((user.expose(), password.expose()), ("me@example.org", "p:ss/w%rd"));
        assert_eq!((server.host.as_str(), server.port), ("2001:db8::1", Some(2465)));
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_and_not_shown() {
        for url in [
            "",
            "smtp:",
            "smtp://",
            "http://host",
            "host",
            "smtp://me@host",
            "smtp://me:@host",
            "smtp://:hunter2@host",
            "smtp://me:hunter2%@host",
            "smtp://me:hunter2%zz@host",
            "smtp://me:hunter2%+1@host",
            "smtp://me:hunter2%0d%0aRSET@host",
            "smtp://host/name",
            "smtp://host?tls=opportunistic",
            "smtp://me:hunter2@a b",
        ] {
            let error = Server::new(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn the_login_is_not_shown() {
        let server = Server::new("smtps://somebody:hunter2@mail.example.org").unwrap();
        let shown = format!("{server:?}");
        assert!(
            shown.contains("mail.example.org") && !shown.contains("hunter2") && !shown.contains("somebody"),
            "{shown}"
        );
    }
}
