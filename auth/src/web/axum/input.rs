use axum::body::{Body, to_bytes};
use http::StatusCode;
use http::header;
use http::request::Parts;
use serde_json::{Map, Value};

#[cfg(feature = "mfa-codes")]
use crate::mfa::FactorKind;
use crate::mfa::FactorProof;
use crate::secret::SecretString;
use crate::web::refusal::{Kind, Refusal};

/// What a program sent as JSON, or a person's browser as a form.
#[derive(Default)]
pub(super) struct Input {
    fields: Map<String, Value>,
    pub(super) is_form: bool,
}

pub(super) const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// What somebody brings to the second step of a login.
pub(super) enum SecondStep {
    /// What proves the factor.
    Proof(FactorProof),
    /// Nothing yet: a code is to be sent.
    #[cfg(feature = "mfa-codes")]
    SendCode(FactorKind),
}

/// The longest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;

impl Input {
    /// Reads the body by its content type. An empty one has no fields.
    pub(super) async fn read(parts: &Parts, body: Body) -> Result<Self, Refusal> {
        let bad = |status, text: &str| Refusal::new(Kind::Bad(status, text.to_owned()), parts);
        let too_large = |_| bad(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB.");
        let bytes = to_bytes(body, LIMIT).await.map_err(too_large)?;
        match content_type(parts).as_slice() {
            kind if bytes.is_empty() => Ok(Self { fields: Map::new(), is_form: kind == FORM }),
            b"application/json" => match serde_json::from_slice(&bytes) {
                Ok(fields) => Ok(Self { fields, is_form: false }),
                Err(_) => Err(bad(StatusCode::BAD_REQUEST, "The body is not a JSON object.")),
            },
            kind if kind == FORM => {
                let mut fields = Map::new();
                for (name, value) in form_urlencoded::parse(&bytes) {
                    if fields.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
                        return Err(bad(StatusCode::BAD_REQUEST, "A field of the form is there twice."));
                    }
                }
                Ok(Self { fields, is_form: true })
            }
            _ => Err(bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send JSON or a form.")),
        }
    }

    /// Takes a text out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes out a text, or an object as its JSON.
    pub(super) fn take_json(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(object @ Value::Object(_)) => Some(object.to_string()),
            _ => None,
        }
    }

    /// Takes a text out that may be left away: whatever else stands there is refused, not passed over.
    #[cfg_attr(not(feature = "token-jwt"), expect(dead_code, reason = "only the routes for tokens have such fields"))]
    pub(super) fn take_optional(&mut self, parts: &Parts, name: &str) -> Result<Option<String>, Refusal> {
        match self.fields.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let text = format!("Send `{name}` as a text.");
                Err(Refusal::new(Kind::Bad(StatusCode::UNPROCESSABLE_ENTITY, text), parts))
            }
        }
    }

    /// Takes the name out, under whichever of these it is, and the password.
    pub(super) fn credentials(&mut self, parts: &Parts, field: &str) -> Result<(String, SecretString), Refusal> {
        let username = self.take(field).or_else(|| self.take("username"));
        let (Some(username), Some(password)) = (username, self.take("password")) else {
            let text = format!("Send `{field}` and `password` as texts.");
            return Err(Refusal::new(Kind::Bad(StatusCode::UNPROCESSABLE_ENTITY, text), parts));
        };
        Ok((username, password.into()))
    }

    /// Takes out what somebody brings to the second step of a login: the kind of a factor under `factor`, and what proves it.
    pub(super) fn second_step(&mut self, parts: &Parts) -> Result<SecondStep, Refusal> {
        let factor = self.take("factor").unwrap_or_default();
        #[cfg(feature = "mfa-codes")]
        if let Some(kind) = [FactorKind::MailCode, FactorKind::SmsCode].into_iter().find(|kind| kind.name() == factor)
            && !self.fields.contains_key("code")
        {
            return Ok(SecondStep::SendCode(kind));
        }
        let code = |input: &mut Self| input.take("code").map(SecretString::from);
        let proof = match &*factor {
            "totp" => code(self).map(FactorProof::Totp),
            "recovery_codes" => code(self).map(FactorProof::RecoveryCode),
            "mail_code" | "sms_code" => {
                let challenge = self.take("challenge");
                challenge.zip(code(self)).map(|(challenge, code)| FactorProof::SentCode { challenge, code })
            }
            "passkey" => {
                let challenge = self.take("challenge");
                let response = self.take_json("response");
                challenge.zip(response).map(|(challenge, response)| FactorProof::Passkey { challenge, response })
            }
            _ => None,
        };
        proof.map(SecondStep::Proof).ok_or_else(|| {
            let text = "Send `factor`, the name of a kind, and with it `code`; with a sent code also its `challenge`; with a \
                        passkey `challenge` and `response`.";
            Refusal::new(Kind::Bad(StatusCode::UNPROCESSABLE_ENTITY, text.to_owned()), parts)
        })
    }

    /// The other fields.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.fields
    }
}

/// The body's type, in small letters and without parameters.
pub(super) fn content_type(parts: &Parts) -> Vec<u8> {
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase()
}
