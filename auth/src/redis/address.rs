use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo as _, RedisResult};

use super::{RedisFailure, valid_prefix};
use crate::registry::Url;
use crate::secret::SecretString;

/// An address, taken apart.
pub(crate) struct Address {
    /// The scheme, without what says that TLS is spoken.
    pub(crate) kind: Kind,
    /// At least one; the sentinels where there are sentinels.
    pub(crate) servers: Vec<ConnectionInfo>,
    pub(crate) sentinels: Sentinels,
    pub(crate) tls: Option<Trust>,
    pub(crate) prefix: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

/// What is asked of sentinels, and how.
#[derive(Default)]
#[cfg_attr(not(feature = "redis-sentinel"), expect(dead_code, reason = "nobody asks them"))]
pub(crate) struct Sentinels {
    /// What they call the group of servers.
    pub(crate) master: String,
    pub(crate) username: Option<SecretString>,
    pub(crate) password: Option<SecretString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Sentinel,
    Cluster,
}

/// Whose signature a server's certificate must bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// One of those that the system trusts.
    System,
    /// The authority in this file.
    File(String),
}

impl Address {
    /// What may stand behind the question mark.
    const PARAMETERS: &str =
        "`prefix`, `timeout` (milliseconds), `ca` (a file), `sentinel_username`, `sentinel_password`";
    const LONGEST_TIMEOUT: u64 = 10_000;

    pub(crate) fn parse(url: &Url) -> Result<Self, RedisFailure> {
        let (scheme, rest) = url.expose().split_once("://").ok_or_else(|| refused("it has no `://`"))?;
        let (kind, tls) = match scheme {
            "redis" => (Kind::Single, None),
            "rediss" => (Kind::Single, Some(Trust::System)),
            "redis+sentinel" => (Kind::Sentinel, None),
            "rediss+sentinel" => (Kind::Sentinel, Some(Trust::System)),
            "redis+cluster" => (Kind::Cluster, None),
            "rediss+cluster" => (Kind::Cluster, Some(Trust::System)),
            _ => return Err(refused("its scheme is another store's")),
        };
        if tls.is_some() && !cfg!(feature = "redis-tls") {
            return Err(refused("TLS needs the feature `redis-tls`"));
        }
        if rest.contains('#') {
            return Err(refused("it has a fragment"));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
        let at = if user.is_empty() { "" } else { "@" };
        let (master, database) = match kind {
            Kind::Sentinel => path.split_once('/').unwrap_or((path, "")),
            _ => ("", path),
        };
        if kind == Kind::Sentinel && master.is_empty() {
            return Err(refused("it does not say which master: redis+sentinel://host:port/<master>/<database>"));
        }
        if kind == Kind::Cluster && !["", "0"].contains(&database) {
            return Err(refused("a cluster has no other database than 0"));
        }
        if kind == Kind::Single && hosts.contains(',') {
            return Err(refused("it names several servers: that is for redis+cluster:// and redis+sentinel://"));
        }
        let scheme = if tls.is_some() { "rediss" } else { "redis" };
        let server = |host: &str| server(&format!("{scheme}://{user}{at}{host}/{database}"), host);
        let servers = hosts.split(',').map(server).collect::<RedisResult<_>>().map_err(refused)?;
        let mut address = Self {
            kind,
            servers,
            sentinels: Sentinels { master: master.to_owned(), ..Sentinels::default() },
            tls,
            prefix: None,
            timeout: None,
        };
        address.read_parameters(query)?;
        Ok(address)
    }

    fn read_parameters(&mut self, query: &str) -> Result<(), RedisFailure> {
        let decoder = redis::parse_redis_url(&format!("redis://x?{query}")).ok_or_else(|| refused("it is no URL"))?;
        for (name, value) in decoder.query_pairs() {
            let value = value.into_owned();
            match &*name {
                "prefix" => self.prefix = Some(valid_prefix(&value)?.to_owned()),
                "timeout" => {
                    let millis = value.parse().ok().filter(|millis| (1..=Self::LONGEST_TIMEOUT).contains(millis));
                    let millis = millis.ok_or_else(|| refused("`timeout` is a number of milliseconds up to 10000"))?;
                    self.timeout = Some(Duration::from_millis(millis));
                }
                "ca" if self.tls.is_some() => self.tls = Some(Trust::File(value)),
                "sentinel_username" if self.kind == Kind::Sentinel => self.sentinels.username = Some(value.into()),
                "sentinel_password" if self.kind == Kind::Sentinel => self.sentinels.password = Some(value.into()),
                "ca" => return Err(refused("`ca` is for TLS: rediss://")),
                _ => {
                    let known = format!("it has an unknown parameter; there are {}", Self::PARAMETERS);
                    return Err(refused(known));
                }
            }
        }
        Ok(())
    }
}

/// One server, by the rules of the library for its own addresses.
fn server(url: &str, host: &str) -> RedisResult<ConnectionInfo> {
    if host.is_empty() {
        return Err((redis::ErrorKind::InvalidClientConfig, "a host is missing").into());
    }
    url.into_connection_info()
}

/// Never with a part of the address, which may be a password that stands where another part should.
pub(super) fn refused(what: impl fmt::Display) -> RedisFailure {
    RedisFailure::Configuration(format!("no address of a Redis: {what}"))
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;

    fn parse(text: &str) -> Result<Address, RedisFailure> {
        Address::parse(&Url::new(text))
    }

    fn hosts(address: &Address) -> Vec<String> {
        address.servers.iter().map(|server| server.addr().to_string()).collect()
    }

    #[test]
    fn a_single_server() {
        let address = parse("redis://me:p%40ss@host:7000/3?prefix=blog:s:&timeout=150").unwrap();
        assert_eq!((address.kind, hosts(&address)), (Kind::Single, vec!["host:7000".to_owned()]));
        let settings = address.servers[0].redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("me"), Some("p@ss"), 3));
        assert_eq!(address.prefix.as_deref(), Some("blog:s:"));
        assert_eq!(address.timeout, Some(Duration::from_millis(150)));
        assert_eq!(hosts(&parse("redis://[::1]").unwrap()), ["::1:6379"]);
    }

    #[test]
    fn sentinels_and_their_master() {
        let address = parse("redis+sentinel://:pass@a:1,b:2,c/blog/2?sentinel_password=watch").unwrap();
        assert_eq!(hosts(&address), ["a:1", "b:2", "c:6379"]);
        assert_eq!((address.kind, address.sentinels.master.as_str()), (Kind::Sentinel, "blog"));
        assert_eq!(address.servers[2].redis_settings().db(), 2);
        assert_eq!(address.servers[2].redis_settings().password(), Some("pass"));
        assert_eq!(address.sentinels.password.unwrap().expose(), "watch");
        assert_eq!(parse("redis+sentinel://a/blog").unwrap().servers[0].redis_settings().db(), 0);
    }

    #[test]
    fn a_clusters_nodes() {
        let address = parse("redis+cluster://me:pass@a:1,b:2").unwrap();
        assert_eq!((address.kind, hosts(&address)), (Kind::Cluster, vec!["a:1".to_owned(), "b:2".to_owned()]));
        assert!(address.servers.iter().all(|server| server.redis_settings().password() == Some("pass")));
    }

    #[cfg(feature = "redis-tls")]
    #[test]
    fn tls_is_in_the_scheme() {
        for address in ["rediss://a", "rediss+cluster://a", "rediss+sentinel://a/blog"] {
            let address = parse(&format!("{address}?ca=/etc/ca.pem")).unwrap();
            assert!(matches!(address.servers[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
            assert_eq!(address.tls, Some(Trust::File("/etc/ca.pem".to_owned())));
        }
        let plain = parse("redis://a").unwrap();
        assert!(matches!(plain.servers[0].addr(), ConnectionAddr::Tcp(..)) && plain.tls.is_none());
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_shown() {
        for text in [
            "redis:",
            "redis://",
            "redis:///0",
            "http://host",
            "redis://:hunter2@host/blog",
            "redis://:hunter2@host:port",
            "redis://:hunter2@a,b",
            "redis://:hunter2@host#insecure",
            "redis://host?pasword=hunter2",
            "redis://host?hunter2",
            "redis://host?ca=hunter2",
            "redis://host?sentinel_password=hunter2",
            "redis://host?timeout=0",
            "redis://host?timeout=hunter2",
            "redis://host?timeout=10001",
            "redis+sentinel://:hunter2@host",
            "redis+sentinel://:hunter2@host//0",
            "redis+sentinel://:hunter2@host/blog/x",
            "redis+cluster://:hunter2@host/1",
            "redis+cluster://:hunter2@a,,b",
            "redis+cluster://:hunter2@",
            "redis+unix://hunter2",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, RedisFailure::Configuration(_)), "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
