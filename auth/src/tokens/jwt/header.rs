use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};

use super::unique::Text;
use super::{JwtAlgorithm, TokenRefused};

/// What a header says; anything that it may not say has been refused.
pub(super) struct Header<'a> {
    pub(super) algorithm: JwtAlgorithm,
    pub(super) token_type: Option<Cow<'a, str>>,
    pub(super) key_id: Option<Cow<'a, str>>,
}

/// The header that tokens get here.
pub(super) fn write(algorithm: JwtAlgorithm, token_type: &str, key_id: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Written<'a> {
        alg: &'a str,
        typ: &'a str,
        kid: &'a str,
    }
    let header = Written { alg: algorithm.name(), typ: token_type, kid: key_id };
    serde_json::to_vec(&header).expect("three texts are written as JSON")
}

/// Reads a header. Unlike RFC 7515 §4 wants it, members that are not known are refused: none of them is needed, and
/// what is ignored here may be heeded elsewhere.
pub(super) fn read(json: &[u8]) -> Result<Header<'_>, TokenRefused> {
    let mut refused = None;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer
        .deserialize_map(Members(&mut refused))
        .and_then(|header| deserializer.end().map(|()| header))
        .map_err(|_| refused.unwrap_or(TokenRefused::HeaderJson))
}

struct Members<'a>(&'a mut Option<TokenRefused>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
        let (mut algorithm, mut token_type, mut key_id) = (None, None, None);
        let (mut sha1, mut sha256) = (None, None);
        let mut refuse = |why| {
            *self.0 = Some(why);
            A::Error::custom("refused")
        };
        while let Some(Text(name)) = map.next_key()? {
            let slot = match &*name {
                "alg" => &mut algorithm,
                "typ" => &mut token_type,
                "kid" => &mut key_id,
                // Which certificate has the key: said by some issuers, of no use here.
                "x5t" => &mut sha1,
                "x5t#S256" => &mut sha256,
                "crit" => return Err(refuse(TokenRefused::Critical)),
                "jwk" | "jku" | "x5u" | "x5c" => return Err(refuse(TokenRefused::KeyInHeader)),
                "zip" => return Err(refuse(TokenRefused::Compressed)),
                "enc" => return Err(refuse(TokenRefused::Encrypted)),
                "cty" => return Err(refuse(TokenRefused::Nested)),
                _ => return Err(refuse(TokenRefused::UnknownHeader)),
            };
            if slot.is_some() {
                return Err(refuse(TokenRefused::DuplicateMember));
            }
            *slot = Some(map.next_value::<Text<'de>>()?.0);
        }
        let Some(algorithm) = algorithm else { return Err(refuse(TokenRefused::Algorithm)) };
        if algorithm.eq_ignore_ascii_case("none") {
            return Err(refuse(TokenRefused::Unsigned));
        }
        let Some(algorithm) = JwtAlgorithm::named(&algorithm) else { return Err(refuse(TokenRefused::Algorithm)) };
        Ok(Header { algorithm, token_type, key_id })
    }
}
