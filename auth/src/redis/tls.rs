use redis::{Client, ConnectionInfo, TlsCertificates};

use super::RedisFailure;
use super::address::{Address, Trust, refused};

/// The authorities that the address asks to trust, where they are not the system's.
pub(super) fn certificates(address: &Address) -> Result<Option<TlsCertificates>, RedisFailure> {
    if address.tls.is_some() {
        // Where several libraries of ciphers are linked, rustls wants to be told which.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let Some(Trust::File(path)) = &address.tls else {
        return Ok(None);
    };
    let root_cert = std::fs::read(path).map_err(|error| {
        RedisFailure::Configuration(format!("the certificate of the authority (`ca`) cannot be read: {error}"))
    })?;
    Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(root_cert) }))
}

/// A server of whom that is asked.
pub(super) fn trusting(server: ConnectionInfo, address: &Address) -> Result<ConnectionInfo, RedisFailure> {
    match certificates(address)? {
        None => Ok(server),
        Some(certificates) => {
            let client = Client::build_with_tls(server, certificates).map_err(refused)?;
            Ok(client.get_connection_info().clone())
        }
    }
}
