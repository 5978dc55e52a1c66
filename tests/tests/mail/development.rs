//! What keeps messages instead of sending them.

use std::fs;

use auth::mail::{
    ConsoleMailer, FileMailer, InvalidMessage, Mail, MailError, Mailer, Outbox, SmsSender, SmtpMailer, TextMessage,
};
use auth_tests::TestDirectory;

fn mail(n: u32) -> Mail {
    Mail::new("ann@example.com", format!("Subject {n}"), "ünïcode\nin lines")
}

fn message() -> TextMessage {
    TextMessage::new("+4915112345678", "Your code is 123456.")
}

fn is(error: &MailError, expected: InvalidMessage) -> bool {
    error.downcast_ref() == Some(&expected)
}

#[tokio::test]
async fn an_outbox_gives_what_was_sent_once() {
    let outbox = Outbox::new();
    Mailer::send(&outbox.clone(), &mail(1)).await.unwrap();
    SmsSender::send(&outbox.clone(), &message()).await.unwrap();
    assert_eq!((outbox.take_mail(), outbox.take_messages()), (vec![mail(1)], vec![message()]));
    assert_eq!((outbox.take_mail(), outbox.take_messages()), (vec![], vec![]));
}

#[tokio::test]
async fn files_are_private_whole_and_in_order() {
    let directory = TestDirectory::new();
    let path = directory.path().join("outbox");
    let mailer = FileMailer::new(&path).unwrap();
    for n in 0..20 {
        Mailer::send(&mailer, &mail(n)).await.unwrap();
    }
    SmsSender::send(&mailer, &message()).await.unwrap();
    let mut names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 21);
    for (n, name) in names.iter().enumerate() {
        let (ending, text) = if n < 20 {
            let head = "To: ann@example.com\nSubject: Subject";
            ("eml", format!("{head} {n}\nContent-Type: text/plain; charset=utf-8\n\nünïcode\nin lines\n"))
        } else {
            ("sms", "To: +4915112345678\n\nYour code is 123456.\n".to_owned())
        };
        assert_eq!((name.extension().unwrap().to_str(), fs::read_to_string(name).unwrap()), (Some(ending), text));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&names[0])), (0o700, 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(FileMailer::new(&path).is_err());
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_an_error() {
    let directory = TestDirectory::new();
    let path = directory.path().join("outbox");
    let mailer = FileMailer::new(&path).unwrap();
    fs::remove_dir(&path).unwrap();
    assert!(Mailer::send(&mailer, &mail(1)).await.is_err());
}

#[tokio::test]
async fn none_takes_what_could_become_a_header() {
    let directory = TestDirectory::new();
    let path = directory.path().join("outbox");
    let (outbox, file) = (Outbox::new(), FileMailer::new(&path).unwrap());
    let mail = Mail::new("ann@example.com", "a\r\nBcc: all@example.com", "a text");
    let message = TextMessage::new("+4915112345678,+4915112345679", "a text");
    let smtp = SmtpMailer::new("accounts@example.org", "smtp://localhost").unwrap();
    let mailers: [&dyn Mailer; 4] = [&outbox, &file, &ConsoleMailer, &smtp];
    for mailer in mailers {
        assert!(is(&mailer.send(&mail).await.unwrap_err(), InvalidMessage::SubjectLine), "{mailer:?}");
    }
    let senders: [&dyn SmsSender; 3] = [&outbox, &file, &ConsoleMailer];
    for sender in senders {
        assert!(is(&sender.send(&message).await.unwrap_err(), InvalidMessage::Number), "{sender:?}");
    }
    assert_eq!((outbox.take_mail(), outbox.take_messages()), (vec![], vec![]));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[tokio::test]
async fn the_console_takes_both() {
    Mailer::send(&ConsoleMailer, &mail(1)).await.unwrap();
    SmsSender::send(&ConsoleMailer, &message()).await.unwrap();
}

#[test]
fn neither_addresses_nor_texts_are_shown() {
    let shown = format!("{:?} {:?} {:?}", mail(1), message(), Outbox::new());
    assert!(!shown.contains("ann") && !shown.contains("Subject 1") && !shown.contains("123456"), "{shown}");
}
