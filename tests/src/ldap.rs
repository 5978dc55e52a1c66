use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::servers::{free_port, make_certificate, signal};
use crate::{PATIENCE, TestDirectory};

/// An LDAP directory of a test's own: `slapd` on a free port, killed when dropped.
///
/// Below `dc=example,dc=org` there are `ou=people` with [`people`](Self::people), each with the password `<uid> has a secret`,
/// `ou=elsewhere`, which refers to port 9, and `cn=reader` with the password `reader has a secret`, who may read all. The
/// others may read themselves. It takes a bind without a password for an anonymous one, as many do.
#[derive(Debug)]
pub struct TestLdap {
    directory: TestDirectory,
    port: u16,
    child: Child,
}

/// Whom the service account is.
pub const LDAP_READER: (&str, &str) = ("cn=reader,dc=example,dc=org", "reader has a secret");

const CONFIG: &str = r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
allow bind_anon_cred
TLSCertificateFile {dir}/cert.pem
TLSCertificateKeyFile {dir}/key.pem
database mdb
suffix "dc=example,dc=org"
directory {dir}/data
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=elsewhere,dc=example,dc=org" by * read
access to * by dn.exact="cn=reader,dc=example,dc=org" read by self read by * none
"#;

impl TestLdap {
    /// Those in `ou=people`: uid, given name, mail.
    pub const fn people() -> [(&'static str, &'static str, &'static str); 5] {
        [
            ("ann", "Ann", "ann@example.org"),
            ("bob", "Bob", "no address"),
            ("o'brien", "Pat", "pat@example.org"),
            ("cid,ou=x", "Cid", "cid@example.org"),
            ("dan*", "Dan", "dan@example.org"),
        ]
    }

    /// Starts one.
    ///
    /// # Panics
    /// When `slapd` is not installed, or does not start.
    pub fn start() -> Self {
        let directory = TestDirectory::new();
        let path = directory.path();
        std::fs::create_dir(path.join("data")).expect("the directory can be written");
        let write =
            |name: &str, text: &str| std::fs::write(path.join(name), text).expect("the directory can be written");
        write("slapd.conf", &CONFIG.replace("{dir}", &path.display().to_string()));
        write("people.ldif", &people_ldif());
        make_certificate(path);
        run(Command::new(program("slapadd")).current_dir(path).args(["-f", "slapd.conf", "-l", "people.ldif"]));
        for _ in 0..5 {
            let port = free_port();
            if let Some(child) = start(path, port) {
                return Self { directory, port, child };
            }
        }
        panic!("slapd does not start");
    }

    /// `ldap://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The certificate that it shows to whoever asks for encryption.
    pub fn certificate(&self) -> std::path::PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// Has it hang: it takes connections, and answers nothing.
    pub fn hang(&self) {
        assert!(signal("STOP", &self.child.id().to_string()), "it has ended by itself");
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for TestLdap {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start(directory: &Path, port: u16) -> Option<Child> {
    let mut child = Command::new(program("slapd"))
        .current_dir(directory)
        .args(["-f", "slapd.conf", "-h", &format!("ldap://127.0.0.1:{port}"), "-d", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slapd is installed");
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return None;
        }
        assert!(started.elapsed() < PATIENCE, "slapd does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Somebody else could be listening there.
    child.try_wait().is_ok_and(|status| status.is_none()).then_some(child)
}

fn people_ldif() -> String {
    let mut ldif = "dn: dc=example,dc=org\nobjectClass: domain\n\n\
        dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\n\n\
        dn: cn=reader,dc=example,dc=org\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
        userPassword: reader has a secret\n\n\
        dn: ou=elsewhere,dc=example,dc=org\nobjectClass: referral\nobjectClass: extensibleObject\n\
        ref: ldap://127.0.0.1:9/ou=people,dc=example,dc=org\n\n"
        .to_owned();
    let mut person = |dn: &str, uids: &[&str], given: &str, mail: &str| {
        let (first, names) = (uids[0], uids.join("\nuid: "));
        let classes = "objectClass: inetOrgPerson";
        let text = format!("{classes}\nuid: {names}\ncn: {given}\nsn: Example\ngivenName: {given}\nmail: {mail}");
        write!(ldif, "dn: {dn},ou=people,dc=example,dc=org\n{text}\nuserPassword: {first} has a secret\n\n")
            .expect("a String takes everything");
    };
    for (uid, given, mail) in TestLdap::people() {
        person(&format!("uid={}", uid.replace(',', "\\2c").replace('=', "\\3d")), &[uid], given, mail);
    }
    // Two with one name, and one with two.
    person("cn=Eve", &["eve"], "Eve", "eve@example.org");
    person("cn=Other Eve", &["eve"], "Other Eve", "eve2@example.org");
    person("uid=fay", &["fay", "root"], "Fay", "fay@example.org");
    ldif
}

fn program(name: &str) -> String {
    let debian = format!("/usr/sbin/{name}");
    if Path::new(&debian).exists() { debian } else { name.to_owned() }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
