//! Where the directory is, and how it is spoken to.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::LdapBackendError;
use crate::accounts::Error;

#[derive(Clone, Debug)]
pub(super) struct Server {
    url: String,
    start_tls: bool,
    authorities: Option<Arc<ClientConfig>>,
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        let wrong =
            || Error::Configuration("a directory is at `ldaps://host` or `ldap://host`, with a port or not".to_owned());
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
        let start_tls = match scheme {
            "ldaps" => false,
            "ldap" => !is_loopback(authority.host()),
            _ => return Err(wrong()),
        };
        if !is_bare || authority.host().is_empty() {
            return Err(wrong());
        }
        // Where several libraries of ciphers are linked, rustls wants to be told which.
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Self { url: format!("{scheme}://{authority}"), start_tls, authorities: None })
    }

    pub(super) fn trust(&mut self, pem: &Path) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(pem).map(|found| found.flatten().collect()).unwrap_or_default();
        let certificates: Vec<CertificateDer<'_>> = certificates;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(Error::Configuration(format!("there is no certificate of an authority in {}", pem.display())));
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        self.authorities = Some(Arc::new(config));
        Ok(())
    }

    pub(super) fn start_tls(&mut self) {
        self.start_tls = self.url.starts_with("ldap:");
    }

    pub(super) fn plain_text(&mut self) {
        self.start_tls = false;
    }

    pub(super) async fn connect(&self, timeout: Duration) -> Result<Ldap, LdapBackendError> {
        let mut settings = LdapConnSettings::new().set_conn_timeout(timeout).set_starttls(self.start_tls);
        if let Some(authorities) = &self.authorities {
            settings = settings.set_config(authorities.clone());
        }
        let (connection, ldap) = LdapConnAsync::with_settings(settings, &self.url).await.map_err(unreachable)?;
        // It ends with the handle. What goes wrong on it, whoever waits for an answer is told.
        tokio::spawn(async move { drop(connection.drive().await) });
        Ok(ldap)
    }
}

pub(super) fn unreachable(error: ldap3::LdapError) -> LdapBackendError {
    match error {
        ldap3::LdapError::Timeout { .. } => LdapBackendError::TimedOut,
        error => LdapBackendError::Unreachable(error),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_spoken_to_plainly() {
        for url in ["ldap://localhost", "ldap://127.0.0.1:3890", "ldap://[::1]:389", "ldap://LOCALHOST/"] {
            assert!(!Server::new(url).unwrap().start_tls, "{url}");
        }
        for url in
            ["ldap://ldap.example.org", "ldap://localhost.example.org", "ldap://10.0.0.1", "ldap://127.0.0.1.nip.io"]
        {
            assert!(Server::new(url).unwrap().start_tls, "{url}");
        }
        let mut loopback = Server::new("ldap://127.0.0.1").unwrap();
        loopback.start_tls();
        assert!(loopback.start_tls);
    }

    #[test]
    fn what_is_no_address_of_a_directory_is_refused() {
        for url in [
            "",
            "ldap:",
            "ldap://",
            "http://host",
            "ldapi:///run/slapd",
            "host",
            "ldap://me:secret@host",
            "ldap://host/dc=example",
            "ldap://host?uid",
            "ldap://a b",
        ] {
            let error = Server::new(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{url}");
        }
    }
}
