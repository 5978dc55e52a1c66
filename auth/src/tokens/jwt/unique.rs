use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;

/// The most members of an object, so that looking for one among them is bounded.
pub(super) const MAX_MEMBERS: usize = 256;

/// A text, borrowed where it has no escapes.
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Either)
    }
}

/// Whether an object has a member twice, or more than [`MAX_MEMBERS`], at any depth. Parsers differ in which of two
/// they take (RFC 8259 §4, RFC 8725 §2.4), so that one part of a system would check what another does not use.
///
/// The names that are `taken` count as members of the outermost object that stand there already.
pub(super) fn repeats(json: &[u8], taken: &[&str]) -> Result<bool, serde_json::Error> {
    let mut found = false;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let walked = Walk { found: &mut found, taken }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if found { Ok(true) } else { walked.map(|()| false) }
}

struct Walk<'a> {
    found: &'a mut bool,
    taken: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repetitions")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { found: self.found, taken: &[] })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names: Vec<Text<'de>> = Vec::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let taken = self.taken.contains(&&*name.0) || names.iter().any(|known| known.0 == name.0);
            if taken || names.len() == MAX_MEMBERS {
                *self.found = true;
                return Err(A::Error::custom("repeated"));
            }
            names.push(name);
            map.next_value_seed(Walk { found: self.found, taken: &[] })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_found_at_every_depth_and_in_every_spelling() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":[{"c":1,"c":null}]}}"#,
            r#"[{"a":true,"b":1.5,"a":"x"}]"#,
        ] {
            assert!(repeats(json.as_bytes(), &[]).unwrap(), "{json}");
        }
        assert!(!repeats(br#"{"a":{"a":[{"a":1},{"a":-1}]},"b":"a"}"#, &[]).unwrap());
        assert!(repeats(br#"{"a":{"sub":1},"sub":2}"#, &["sub"]).unwrap());
        assert!(!repeats(br#"{"a":{"sub":1}}"#, &["sub"]).unwrap());
        for json in ["", "{", r#"{"a":1}x"#, &"[".repeat(4000), "\u{0}"] {
            assert!(repeats(json.as_bytes(), &[]).is_err(), "{json}");
        }
        let many: Vec<_> = (0..=MAX_MEMBERS).map(|n| format!(r#""{n}":0"#)).collect();
        assert!(repeats(format!("{{{}}}", many.join(",")).as_bytes(), &[]).unwrap());
    }
}
