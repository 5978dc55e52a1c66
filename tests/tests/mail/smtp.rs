//! A mail server that others wrote takes what is sent.

use std::net::TcpListener;
use std::time::Duration;

use auth::mail::{Mail, MailError, Mailer as _, SmtpError, SmtpMailer};
use auth_tests::{ReceivedMail, TestSmtp};

const FROM: &str = "Exämple <accounts@example.org>";
const LOGIN: &str = "user:p%40ss%3Aword@";

fn mail() -> Mail {
    Mail::new(
        "ann@example.com",
        "Grüße: a code",
        "Your code is 123456.\n.\nA line with a dot alone is above, and ünïcode.\n",
    )
}

fn kind(error: &MailError) -> &SmtpError {
    error.downcast_ref().unwrap_or_else(|| panic!("{error:?}"))
}

/// The values of the headers of that name.
fn headers<'a>(mail: &'a ReceivedMail, name: &str) -> Vec<&'a str> {
    mail.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
#[ignore = "needs Python's aiosmtpd"]
async fn mail_goes_to_a_server_on_the_same_machine_as_it_is() {
    let server = TestSmtp::start("plain");
    let mailer = SmtpMailer::new(FROM, &server.url("smtp", "")).unwrap();
    mailer.send(&mail()).await.unwrap();
    let [received] = &server.end()[..] else { panic!("one mail") };
    assert_eq!(
        (received.from.as_str(), &received.to[..]),
        ("accounts@example.org", &["ann@example.com".to_owned()][..])
    );
    assert!(!received.tls);
    for (name, value) in
        [("From", FROM), ("To", "ann@example.com"), ("Subject", "Grüße: a code"), ("Auto-Submitted", "auto-generated")]
    {
        assert_eq!(headers(received, name), [value]);
    }
    assert!(headers(received, "Message-ID")[0].ends_with("@example.org>") && headers(received, "Date").len() == 1);
    // On the way lines end as RFC 5322 has it, the last one too.
    assert_eq!(received.text.replace("\r\n", "\n").trim_end(), mail().text.trim_end());
}

#[tokio::test]
#[ignore = "needs Python's aiosmtpd"]
async fn a_login_goes_over_tls_to_a_server_that_is_known() {
    for (how, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let server = TestSmtp::start(how);
        let mailer = SmtpMailer::new(FROM, &server.url(scheme, LOGIN)).unwrap().with_start_tls();
        // Nobody vouches for it.
        let error = mailer.send(&mail()).await.unwrap_err();
        assert!(matches!(kind(&error), SmtpError::Unreachable(_)), "{how}: {error:?}");
        let mailer = mailer.trusting(server.certificate()).unwrap();
        mailer.send(&mail()).await.unwrap();
        let received = server.end();
        assert_eq!(received.len(), 1, "{how}");
        assert!(received[0].tls && received[0].user.as_deref() == Some("user"), "{how}: {received:?}");
    }
}

#[tokio::test]
#[ignore = "needs Python's aiosmtpd"]
async fn a_wrong_password_and_an_unknown_recipient_are_refused() {
    let server = TestSmtp::start("tls");
    let with = |login: &str| {
        SmtpMailer::new(FROM, &server.url("smtps", login)).unwrap().trusting(server.certificate()).unwrap()
    };
    for (mailer, to) in [(with("user:wrong@"), "ann@example.com"), (with(LOGIN), "nobody@example.com")] {
        let error = mailer.send(&Mail::new(to, "a subject", "a text")).await.unwrap_err();
        assert!(matches!(kind(&error), SmtpError::Refused(_)), "{error:?}");
        assert!(!format!("{error:?} {mailer:?}").contains("wrong"), "{error:?}");
    }
}

#[tokio::test]
#[ignore = "needs Python's aiosmtpd"]
async fn a_server_without_tls_gets_nothing_unless_it_is_asked_for() {
    let server = TestSmtp::start("plain");
    let mailer = SmtpMailer::new(FROM, &server.url("smtp", LOGIN)).unwrap().with_start_tls();
    assert!(mailer.send(&mail()).await.is_err());
    let mailer = SmtpMailer::new(FROM, &server.url("smtp", "")).unwrap().with_start_tls();
    assert!(mailer.send(&mail()).await.is_err());
    mailer.clone().danger_plain_text().send(&mail()).await.unwrap();
    assert_eq!(server.end().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let mailer = SmtpMailer::new(FROM, &url).unwrap().with_timeout(Duration::from_millis(50));
    let error = mailer.send(&mail()).await.unwrap_err();
    assert!(matches!(kind(&error), SmtpError::TimedOut), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mailer = SmtpMailer::new(FROM, &format!("smtp://{gone}")).unwrap();
    assert!(matches!(kind(&mailer.send(&mail()).await.unwrap_err()), SmtpError::Unreachable(_)));
}

#[test]
fn a_sender_is_an_address() {
    for from in [
        "",
        "nobody",
        "a@b, c@d",
        "A <a@example.org>\r\nBcc: all@example.org",
        "A\r\nBcc: b@example.org <a@example.org>",
    ] {
        assert!(matches!(SmtpMailer::new(from, "smtp://localhost"), Err(SmtpError::From)), "{from}");
    }
}

#[test]
fn authorities_are_in_the_file_that_is_given() {
    let directory = auth_tests::TestDirectory::new();
    let path = directory.path().join("ca.pem");
    let mailer = || SmtpMailer::new(FROM, "smtps://mail.example.org").unwrap();
    for text in [None, Some("no certificate"), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        assert!(matches!(mailer().trusting(&path), Err(SmtpError::Authorities(_))), "{text:?}");
    }
}

#[test]
fn the_login_is_not_shown() {
    let mailer = SmtpMailer::new(FROM, "smtps://somebody:hunter2@mail.example.org").unwrap();
    let shown = format!("{mailer:?}");
    assert!(shown.contains("mail.example.org") && !shown.contains("hunter2") && !shown.contains("somebody"), "{shown}");
}
