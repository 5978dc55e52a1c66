//! Drives the built program as a person with a browser and as its clients.

use std::process::Command;

use auth::oauth2::CodeVerifier;
use auth_tests::http::{Answer, Server, Visitor};
use auth_tests::{TestDatabase, sqlite};
use http::{Method, StatusCode};

const CALLBACK: &str = "http://127.0.0.1:51004/callback";

fn program(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauth2-provider"));
    command.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", "a-secret-for-tests-only-0123456789");
    command.env("ADDRESS", "127.0.0.1:0");
    command
}

fn run(database: &TestDatabase, argument: &str) -> String {
    let output = program(database).arg(argument).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it prints text").trim().to_owned()
}

async fn send(client: &Visitor, path: &str, secret: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let request = client.request(Method::POST, path).form(form);
    let request = if secret.is_some() { request.basic_auth("prints", secret) } else { request };
    client.send(request).await
}

async fn photos(client: &Visitor, token: &str) -> Answer {
    client.send(client.request(Method::GET, "/photos").bearer_auth(token)).await
}

/// Says yes on the page, with what the page's form has in it.
async fn agree(person: &Visitor, path: &str, page: &Answer) -> Answer {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let value = |input: &str, name: &str| {
        let value = input.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(value.replace("&amp;", "&"))
    };
    let inputs = page.text.split("<input type=\"hidden\" ").skip(1);
    let mut fields: Vec<_> = inputs.filter_map(|input| Some((value(input, "name")?, value(input, "value")?))).collect();
    fields.push(("decision".to_owned(), "allow".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    person.submit(path, &fields).await
}

#[tokio::test]
async fn clients_act_for_a_person_until_they_are_disconnected() {
    let database = sqlite().await;
    let secret = run(&database, "register");
    let server = Server::start(&mut program(&database));
    let (person, client) = (server.visitor(), server.visitor());

    // The client sends the person to the provider.
    let verifier = CodeVerifier::generate();
    let challenge = verifier.challenge();
    let path = format!(
        "/oauth2/authorize?response_type=code&client_id=prints&redirect_uri={CALLBACK}&state=xyz&code_challenge={}\
         &code_challenge_method=S256",
        challenge.as_str()
    );
    let sent = person.browse(&path).await;
    assert!(sent.location().expect("a stranger logs in").starts_with("/login?next="));
    person.join("ada").await;
    run(&database, "ada");
    let page = person.browse(&path).await;
    assert!(page.text.contains("Photo prints") && page.text.contains("Can view photo"), "{}", page.text);
    let back = agree(&person, "/oauth2/authorize", &page).await;
    let location = back.location().expect("the person is sent back").to_owned();
    let code = location.strip_prefix(&format!("{CALLBACK}?code=")).expect("with a code").split('&').next();

    // The client gets a token for the code.
    let code = code.expect("there is text before the first `&`");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier.expose()),
    ];
    assert_eq!(send(&client, "/oauth2/token", Some("guess"), &form).await.status, StatusCode::UNAUTHORIZED);
    let tokens = send(&client, "/oauth2/token", Some(&secret), &form).await.json();
    let token = tokens["access_token"].as_str().expect("there is a token");
    assert_eq!(photos(&client, token).await.text, "the photos of ada");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap_or(""))];
    let tokens = send(&client, "/oauth2/token", Some(&secret), &refresh).await.json();
    let token = tokens["access_token"].as_str().expect("there is another");

    // The person sees it, and ends it.
    assert!(person.browse("/connections").await.text.contains("prints: photos.view_photo"));
    assert_eq!(person.submit("/connections/prints", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(photos(&client, token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_television_is_connected_by_its_code() {
    let database = sqlite().await;
    run(&database, "register");
    let server = Server::start(&mut program(&database));
    let (person, television) = (server.visitor(), server.visitor());
    person.join("ada").await;
    run(&database, "ada");

    let shown = send(&television, "/oauth2/device_authorization", None, &[("client_id", "television")]).await.json();
    let user_code = shown["user_code"].as_str().expect("there is a code");
    let page = person.submit("/oauth2/device", &[("user_code", user_code)]).await;
    assert!(page.text.contains("Television"), "{}", page.text);
    assert!(agree(&person, "/oauth2/device", &page).await.text.contains("is connected"));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", shown["device_code"].as_str().expect("there is another, for the television")),
        ("client_id", "television"),
    ];
    let tokens = send(&television, "/oauth2/token", None, &form).await.json();
    let token = tokens["access_token"].as_str().expect("there is a token");
    assert_eq!(photos(&television, token).await.text, "the photos of ada");
}
