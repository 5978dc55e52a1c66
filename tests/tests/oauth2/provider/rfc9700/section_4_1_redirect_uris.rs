//! §4.1: what is not one of the client's redirect URIs, byte by byte, is never redirected to.

use super::*;

const HOSTILE: [&str; 36] = [
    "https://evil.example/cb",
    "https://client.example.evil.example/cb",
    "https://evil.example/client.example/cb",
    "https://evilclient.example/cb",
    "https://sub.client.example/cb",
    "https://client.example@evil.example/cb",
    "https://user@client.example/cb",
    "https://client.example:443/cb",
    "https://client.example:8443/cb",
    "https://client.example./cb",
    "https://CLIENT.example/cb",
    "HTTPS://client.example/cb",
    "http://client.example/cb",
    "//client.example/cb",
    "https:/client.example/cb",
    "https:client.example/cb",
    "https:\\\\client.example\\cb",
    "https://client.example\\.evil.example/cb",
    "https://client.example/cb/",
    "https://client.example/cb/../evil",
    "https://client.example/cb/..%2fevil",
    "https://client.example/./cb",
    "https://client.example//cb",
    "https://client.example/%63b",
    "https://client.example/CB",
    "https://client.example/cb?next=https://evil.example",
    "https://client.example/cb?",
    "https://client.example/cb#",
    "https://client.example/cb#@evil.example",
    "https://client.example/cb%00",
    "https://client.example/cb\t",
    "https://client.example/cb ",
    " https://client.example/cb",
    "https://cli\u{435}nt.example/cb",
    "javascript:alert(1)//https://client.example/cb",
    "data:text/html,https://client.example/cb",
];

#[tokio::test]
async fn no_variant_is_redirected_to() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    for hostile in HOSTILE {
        for visitor in [&member, &site.visitor()] {
            let answer = client.flow().with("redirect_uri", hostile).ask(visitor).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{hostile:?}");
        }
    }
}

#[tokio::test]
async fn only_the_port_of_the_own_machine_may_differ() {
    let site = Site::start().await;
    let native = public().redirect_uri("http://127.0.0.1/cb").redirect_uri("http://localhost:3000/cb");
    let (client, member) = (site.register(native).await, site.member("ada").await);
    for good in ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://localhost:3000/cb"] {
        let answer = client.flow().with("redirect_uri", good).allow(&member).await;
        assert!(answer.location().unwrap().starts_with(&format!("{good}?code=")), "{good}");
    }
    for bad in [
        "http://localhost:3001/cb",
        "http://127.0.0.1:x/cb",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.2/cb",
    ] {
        let answer = client.flow().with("redirect_uri", bad).ask(&member).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{bad}");
    }
}

#[tokio::test]
async fn one_may_be_left_away_where_there_is_only_one() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow().without("redirect_uri");
    assert!(flow.allow(&member).await.location().unwrap().starts_with(&format!("{CALLBACK}?code=")));
    let several = site.register(confidential().redirect_uri("https://client.example/other")).await;
    let answer = several.flow().without("redirect_uri").ask(&member).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None));
}

#[tokio::test]
async fn an_unknown_client_is_redirected_nowhere() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    for flow in [client.flow().with("client_id", "nobody"), client.flow().without("client_id")] {
        let answer = flow.ask(&member).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None));
    }
    let mut twice = client.flow();
    twice.parameters.push(("redirect_uri".to_owned(), CALLBACK.to_owned()));
    assert_eq!(twice.ask(&member).await.location(), None);
}
