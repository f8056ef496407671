//! Everything that can be wrong with a token. For the log and the audit: a stranger is told only that it is not valid.

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No token where there should be one.
    #[error("there is no token")]
    Missing,
    /// Not exactly one `Authorization: Bearer TOKEN`.
    #[error("the request does not have exactly one `Authorization: Bearer TOKEN`")]
    Authorization,
    /// More than 8 KiB.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not three parts between two dots.
    #[error("the token is not three parts between two dots")]
    Parts,
    /// A part that is not unpadded base64url in its one spelling.
    #[error("the {0} is not unpadded base64url")]
    Encoding(&'static str),
    /// A part that is no JSON object, or names a member twice.
    #[error("the {0} is not a JSON object with each name once")]
    Json(&'static str),
    /// `alg` is another one than the configured.
    #[error("the header's `alg` is not the configured algorithm")]
    Algorithm,
    /// A header member that would change how the token is read, or bring its own key.
    #[error("the header has `{0}`, which is not accepted")]
    Header(&'static str),
    /// `typ` is neither `JWT` nor `at+jwt`.
    #[error("the header's `typ` is neither `JWT` nor `at+jwt`")]
    Type,
    /// No configured key fits `kid`.
    #[error("no configured key has this `kid`")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("the signature does not verify")]
    Signature,
    /// A required claim is missing.
    #[error("the claim `{0}` is missing")]
    NoClaim(&'static str),
    /// A claim is of the wrong kind.
    #[error("the claim `{0}` is not what it should be")]
    BadClaim(&'static str),
    /// `exp` is over.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is to come.
    #[error("the token is not valid yet")]
    Early,
    /// Another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// On the deny list.
    #[error("the token or its subject is on the deny list")]
    Revoked,
}
