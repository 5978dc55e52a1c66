//! QR codes are read back by a program that somebody else wrote, `zbarimg`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use auth::mfa::{MFAAuthentication, MfaError, TotpEnrolment};
use uuid::Uuid;

use crate::fixture::ATTEMPT;

const NAMES: [(&str, &str); 4] = [
    ("My App", "ada@example.org"),
    ("a", "b"),
    ("Ærø & Søn?=#%", "Ada \"Countess\" <ada>/+ Ærø: 1"),
    ("An application with quite a long name", "somebody.with.a.long.name.indeed@subdomain.of.a.domain.example.org"),
];

async fn enrolment(issuer: &str, account: &str) -> TotpEnrolment {
    MFAAuthentication::new(issuer).register_user("ada", ATTEMPT, account).await.unwrap()
}

/// A file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(extension: &str, content: &[u8]) -> Self {
        let name = format!("auth-test-{}.{extension}", Uuid::new_v4().simple());
        let file = Self(std::env::temp_dir().join(name));
        fs::write(&file.0, content).unwrap();
        file
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn zbarimg(png: &[u8]) -> String {
    let file = File::new("png", png);
    let output = Command::new("zbarimg").args(["--raw", "-q"]).arg(&file.0).stderr(Stdio::inherit()).output();
    let output = output.expect("zbarimg is there");
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[tokio::test]
#[ignore = "needs zbarimg"]
async fn the_png_says_our_url() {
    for (issuer, account) in NAMES {
        let enrolment = enrolment(issuer, account).await;
        let read = zbarimg(&enrolment.qr_png());
        assert_eq!(read, enrolment.url.expose());
        let secret = read.split("?secret=").nth(1).unwrap().split('&').next().unwrap();
        assert_eq!(secret, enrolment.secret.expose());
    }
}

#[tokio::test]
#[ignore = "needs zbarimg and rsvg-convert"]
async fn the_svg_says_our_url() {
    for (issuer, account) in NAMES {
        let enrolment = enrolment(issuer, account).await;
        let svg = File::new("svg", enrolment.qr_svg().as_bytes());
        let png = Command::new("rsvg-convert").arg(&svg.0).output().expect("rsvg-convert is there");
        assert!(png.status.success());
        assert_eq!(zbarimg(&png.stdout), enrolment.url.expose());
    }
}

#[tokio::test]
async fn the_images_are_small_and_whole() {
    let enrolment = enrolment("My App", "ada@example.org").await;
    let (png, svg) = (enrolment.qr_png(), enrolment.qr_svg());
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() < 8 << 10, "{} bytes", png.len());
    let edge = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(edge(16), edge(20));
    assert!(edge(16) % 8 == 0 && edge(16) > 300);
    assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", edge(16))) && svg.ends_with("</svg>"));
    // Nothing that a strict content security policy forbids, and no text.
    assert!(!["style", "script", "href", "data:", "otpauth"].iter().any(|word| svg.contains(word)));
}

#[tokio::test]
async fn a_name_that_fits_no_code_is_refused() {
    let mfa = MFAAuthentication::new("My App");
    let long = mfa.register_user("ada", ATTEMPT, &"x".repeat(3000)).await;
    assert!(matches!(long, Err(MfaError::Invalid(_))));
    assert!(mfa.register_user("ada", ATTEMPT, &"x".repeat(254)).await.is_ok());
}

#[tokio::test]
async fn the_url_is_as_apps_read_it() {
    let enrolment = enrolment("My App: Beta", "ada:1/2@example.org").await;
    let expected = format!(
        "otpauth://totp/My%20App%20%20Beta:ada%201%2F2%40example.org?secret={}&issuer=My%20App%20%20Beta\
         &algorithm=SHA1&digits=6&period=30",
        enrolment.secret.expose()
    );
    assert_eq!(enrolment.url.expose(), expected);
}
