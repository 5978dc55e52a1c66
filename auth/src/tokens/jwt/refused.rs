use std::borrow::Cow;
use std::fmt;

/// Why a token is refused.
///
/// It is displayed as one and the same text whatever the reason, for the one who sent it; [`TokenRefused::reason`] is
/// for the log.
///
/// # Security
/// None of it repeats what the token says: a log needs no escaping for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenRefused {
    /// It has more than 8192 bytes.
    TooLong,
    /// It has not exactly three parts with something in each.
    Parts,
    /// It has the five parts of an encrypted token (RFC 7516), or says that it is encrypted.
    Encrypted,
    /// A part is not unpadded base64url in its one canonical spelling.
    Encoding,
    /// The header is not a JSON object with members of the right types.
    HeaderJson,
    /// A JSON object has a member twice.
    DuplicateMember,
    /// The header has a member that no token needs.
    UnknownHeader,
    /// The header asks for extensions (`crit`, RFC 7515 §4.1.11).
    Critical,
    /// The header brings a key or says where to get one (RFC 8725 §3.10).
    KeyInHeader,
    /// The content is compressed (RFC 8725 §3.6).
    Compressed,
    /// It holds another token.
    Nested,
    /// It is not signed: its algorithm is `none`, in whatever spelling.
    Unsigned,
    /// No key has its algorithm, or there is none of that name.
    Algorithm,
    /// Its key is for another algorithm.
    KeyAlgorithm,
    /// It is of another type, or of none.
    TokenType,
    /// There is no key of its id.
    UnknownKey,
    /// It names no key, and several have its algorithm.
    AmbiguousKey,
    /// Its signature does not hold.
    Signature,
    /// The payload is not a JSON object.
    PayloadJson,
    /// The payload has too many members.
    TooManyClaims,
    /// A claim that is required is missing.
    MissingClaim(&'static str),
    /// A claim has another JSON type than it must.
    ClaimType(&'static str),
    /// A claim is empty, or longer than 255 bytes.
    ClaimLength(&'static str),
    /// A time is before 1970 or after the year 9999.
    ClaimRange(&'static str),
    /// The application's own claims do not fit.
    OwnClaims,
    /// It has expired.
    Expired,
    /// It expires more than 400 days from now.
    ExpiresTooLate,
    /// It is not valid yet.
    NotYetValid,
    /// It was issued in the future.
    IssuedInFuture,
    /// It is of another issuer, or of none.
    Issuer,
    /// It is for somebody else, or for nobody when it should be for somebody.
    Audience,
}

impl TokenRefused {
    /// The reason, for the log.
    pub fn reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::TooLong => "the token is too long",
            Self::Parts => "the token has not three parts",
            Self::Encrypted => "the token is encrypted",
            Self::Encoding => "a part is not canonical base64url",
            Self::HeaderJson => "the header is malformed",
            Self::DuplicateMember => "a JSON object has a member twice",
            Self::UnknownHeader => "the header has an unknown member",
            Self::Critical => "the header asks for extensions",
            Self::KeyInHeader => "the header brings a key",
            Self::Compressed => "the content is compressed",
            Self::Nested => "the token holds another token",
            Self::Unsigned => "the token is not signed",
            Self::Algorithm => "no key has the token's algorithm",
            Self::KeyAlgorithm => "the key is for another algorithm",
            Self::TokenType => "the token is of another type",
            Self::UnknownKey => "there is no key of that id",
            Self::AmbiguousKey => "the token does not say which key",
            Self::Signature => "the signature does not hold",
            Self::PayloadJson => "the payload is malformed",
            Self::TooManyClaims => "the payload has too many members",
            Self::MissingClaim(name) => return Cow::Owned(format!("`{name}` is missing")),
            Self::ClaimType(name) => return Cow::Owned(format!("`{name}` has the wrong type")),
            Self::ClaimLength(name) => return Cow::Owned(format!("`{name}` is empty or too long")),
            Self::ClaimRange(name) => return Cow::Owned(format!("`{name}` is out of range")),
            Self::OwnClaims => "the application's own claims do not fit",
            Self::Expired => "the token has expired",
            Self::ExpiresTooLate => "the token expires too late",
            Self::NotYetValid => "the token is not valid yet",
            Self::IssuedInFuture => "the token was issued in the future",
            Self::Issuer => "the issuer is another",
            Self::Audience => "the audience is another",
        })
    }
}

impl fmt::Display for TokenRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is not valid")
    }
}

impl std::error::Error for TokenRefused {}
