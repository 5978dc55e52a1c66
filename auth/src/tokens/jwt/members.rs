use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde::{Serialize, forward_to_deserialize_any};

use super::claims::REGISTERED;
use super::unique::{MAX_MEMBERS, Text, repeats};
use super::{Claims, JwtError, TokenRefused};

/// Reads a payload in one pass: the registered claims by their types, the rest into `Extra`.
///
/// `jti` stays empty where the token has none.
pub(super) fn read<Extra: DeserializeOwned>(json: &[u8]) -> Result<Claims<Extra>, TokenRefused> {
    // The members of this object are compared as they are read. Those of an object within are not seen then.
    let nested = json.get(1..).is_some_and(|rest| rest.contains(&b'{'));
    if nested && repeats(json, &[]).map_err(|_| TokenRefused::PayloadJson)? {
        return Err(TokenRefused::DuplicateMember);
    }
    let (mut registered, mut refused) = (Registered::default(), None);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let payload = Payload { json: &mut deserializer, registered: &mut registered, refused: &mut refused };
    let extra = Extra::deserialize(payload).and_then(|extra| deserializer.end().map(|()| extra));
    let extra = extra.map_err(|error| match refused {
        Some(why) => why,
        None if error.is_data() && json.trim_ascii_start().starts_with(b"{") => TokenRefused::OwnClaims,
        None => TokenRefused::PayloadJson,
    })?;
    let Registered { iss, sub, aud, exp, nbf, iat, jti, username } = registered;
    Ok(Claims {
        iss,
        sub: sub.ok_or(TokenRefused::MissingClaim("sub"))?,
        aud: aud.map(|Audience(names)| names).unwrap_or_default(),
        exp: exp.ok_or(TokenRefused::MissingClaim("exp"))?,
        nbf,
        iat,
        jti: match jti {
            Some(id) if id.is_empty() => return Err(TokenRefused::ClaimLength("jti")),
            id => id.unwrap_or_default(),
        },
        username,
        extra,
    })
}

/// Writes a payload.
pub(super) fn write<Extra: Serialize>(claims: &Claims<Extra>) -> Result<Vec<u8>, JwtError> {
    let own = serde_json::to_vec(&claims.extra).map_err(|error| JwtError::OwnClaims(Some(error)))?;
    let payload = Written {
        iss: claims.iss.as_deref(),
        sub: &claims.sub,
        aud: match &claims.aud[..] {
            [] => None,
            [one] => Some(Names::One(one)),
            several => Some(Names::Several(several)),
        },
        exp: claims.exp,
        nbf: claims.nbf,
        iat: claims.iat,
        jti: &claims.jti,
        username: claims.username.as_deref(),
    };
    let mut payload = serde_json::to_vec(&payload).expect("texts and numbers are written as JSON");
    match own.strip_prefix(b"{") {
        None => return Err(JwtError::OwnClaims(None)),
        Some(b"}") => {}
        Some(rest) => {
            if repeats(&own, &REGISTERED).map_err(|error| JwtError::OwnClaims(Some(error)))? {
                return Err(JwtError::ReservedClaim);
            }
            *payload.last_mut().expect("an object has an end") = b',';
            payload.extend_from_slice(rest);
        }
    }
    Ok(payload)
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Names<'a>>,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Names<'a> {
    One(&'a str),
    Several(&'a [String]),
}

#[derive(Default)]
struct Registered {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: Option<String>,
    username: Option<String>,
}

/// A payload as the application's own claims see it: without the registered ones, which are put aside.
struct Payload<'a, 'de> {
    json: &'a mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
    registered: &'a mut Registered,
    refused: &'a mut Option<TokenRefused>,
}

impl<'de> Deserializer<'de> for Payload<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let Self { json, registered, refused } = self;
        json.deserialize_map(Own { visitor, registered, refused })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Own<'a, V> {
    visitor: V,
    registered: &'a mut Registered,
    refused: &'a mut Option<TokenRefused>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Own<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { visitor, registered, refused } = self;
        visitor.visit_map(Members { map, registered, refused, own: Vec::new() })
    }
}

struct Members<'a, 'de, A> {
    map: A,
    registered: &'a mut Registered,
    refused: &'a mut Option<TokenRefused>,
    own: Vec<Cow<'de, str>>,
}

impl<'de, A: MapAccess<'de>> Members<'_, 'de, A> {
    fn refuse(&mut self, why: TokenRefused) -> A::Error {
        *self.refused = Some(why);
        A::Error::custom("refused")
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(name)) = self.map.next_key()? {
            let (registered, map) = (&mut *self.registered, &mut self.map);
            let kept = match &*name {
                "iss" => keep("iss", &mut registered.iss, map),
                "sub" => keep("sub", &mut registered.sub, map),
                "aud" => keep("aud", &mut registered.aud, map),
                "exp" => keep("exp", &mut registered.exp, map),
                "nbf" => keep("nbf", &mut registered.nbf, map),
                "iat" => keep("iat", &mut registered.iat, map),
                "jti" => keep("jti", &mut registered.jti, map),
                "username" => keep("username", &mut registered.username, map),
                _ if self.own.len() == MAX_MEMBERS => Err(TokenRefused::TooManyClaims),
                _ if self.own.contains(&name) => Err(TokenRefused::DuplicateMember),
                _ => {
                    self.own.push(name.clone());
                    return seed.deserialize(CowStrDeserializer::new(name)).map(Some);
                }
            };
            kept.map_err(|why| self.refuse(why))?;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Keeps a registered claim, of which there is one at the most.
fn keep<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    name: &'static str,
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), TokenRefused> {
    if slot.is_some() {
        return Err(TokenRefused::DuplicateMember);
    }
    *slot = Some(map.next_value().map_err(|_| TokenRefused::ClaimType(name))?);
    Ok(())
}

/// One name, or several.
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Audience;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }
            fn visit_str<E>(self, name: &str) -> Result<Audience, E> {
                Ok(Audience(vec![name.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Audience, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(Audience(names))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
