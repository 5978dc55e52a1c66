use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use uuid::Uuid;

/// An authenticator and its browser (WebAuthn Level 3 §6), which do whatever a test wants.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests change it field by field")]
pub struct TestAuthenticator {
    /// The page's origin.
    pub origin: String,
    /// Whether the page stands inside another site's.
    pub is_embedded: bool,
    /// Whether the user is verified.
    pub verifies_users: bool,
    /// Whether it tells whose the passkey is.
    pub tells_handle: bool,
}

/// A passkey in it. A clone is what an attacker has who copied the device.
#[derive(Clone, Debug)]
pub struct TestPasskey {
    /// The credential's id.
    pub id: Vec<u8>,
    /// Whose it is.
    pub handle: String,
    /// How often it has signed.
    pub counter: u32,
    pair: std::sync::Arc<EcdsaKeyPair>,
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;

impl TestAuthenticator {
    /// One in a browser on a page of this origin, which does everything right.
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), is_embedded: false, verifies_users: true, tells_handle: true }
    }

    /// Makes a passkey, and answers.
    pub fn create(&self, options: &Value) -> (TestPasskey, String) {
        let id = Uuid::new_v4().into_bytes().to_vec();
        self.create_as(id, options)
    }

    /// The same with this id of a credential.
    ///
    /// # Panics
    /// When the options are none.
    pub fn create_as(&self, id: Vec<u8>, options: &Value) -> (TestPasskey, String) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made");
        let handle = options["user"]["id"].as_str().expect("the user has an id").to_owned();
        let passkey = TestPasskey { id, handle, counter: 1, pair: pair.into() };
        let mut data = self.data(text(&options["rp"]["id"]), ATTESTED, passkey.counter);
        data.extend([0; 16]);
        data.extend(u16::try_from(passkey.id.len()).expect("ids are short").to_be_bytes());
        data.extend(&passkey.id);
        // COSE_Key (RFC 9053 §7.1.1): EC2, ES256, P-256, x, y.
        let (x, y) = passkey.pair.public_key().as_ref()[1..].split_at(32);
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(x);
        data.extend([0x22, 0x58, 32]);
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("it is short"));
        object.extend(data);
        let response = json!({
            "clientDataJSON": encode(self.client_data("webauthn.create", options).as_bytes()),
            "attestationObject": encode(&object),
        });
        let answer = answer(&passkey, &response);
        (passkey, answer)
    }

    /// Uses a passkey.
    ///
    /// # Panics
    /// When the options are none.
    pub fn get(&self, passkey: &mut TestPasskey, options: &Value) -> String {
        passkey.counter += 1;
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(text(&options["rpId"]), 0, passkey.counter);
        let signed = [&data, digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = passkey.pair.sign(&SystemRandom::new(), &signed).expect("it signs");
        let mut response = json!({
            "clientDataJSON": encode(client_data.as_bytes()),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
        });
        if self.tells_handle {
            response["userHandle"] = passkey.handle.as_str().into();
        }
        answer(passkey, &response)
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let challenge = text(&options["challenge"]);
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.is_embedded })
            .to_string()
    }

    fn data(&self, host: &str, flags: u8, counter: u32) -> Vec<u8> {
        let verified = if self.verifies_users { USER_VERIFIED } else { 0 };
        let mut data = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
        data.push(USER_PRESENT | verified | flags);
        data.extend(counter.to_be_bytes());
        data
    }
}

fn answer(passkey: &TestPasskey, response: &Value) -> String {
    let id = encode(&passkey.id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
        .to_string()
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}
