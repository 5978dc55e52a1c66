use std::fmt;

/// How a token is signed (RFC 7518 §3.1, RFC 8037). A key has exactly one; the token has no say in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256: who can verify can also sign.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: the slowest to sign, the most widely understood.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519: the fastest of those with a public key.
    EdDsa,
}

impl JwtAlgorithm {
    pub(super) const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its name in headers and key sets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of that name, spelt exactly so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
