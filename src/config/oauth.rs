//! What the configuration says of signing in at a server: `[mcp_servers.NAME.oauth]`.
//!
//! Plain data. Without the table everything is found out from the server; read by `mcp::auth`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::secret::Secret;

/// How a sign-in is done. Everything is optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OauthSettings {
    /// Who signs in.
    pub grant: Grant,
    /// The client id that the authorization server's owner has given out; absent: one is registered, or the document's URL.
    pub client_id: Option<String>,
    /// The secret that goes with it.
    pub client_secret: Option<Secret>,
    /// The URL of a client id metadata document, used where the authorization server takes them.
    pub client_metadata_url: Option<String>,
    /// What to ask for; empty: what the server asks for.
    pub scopes: Vec<String>,
    /// The port on loopback to which the browser comes back; absent: any free one.
    pub redirect_port: Option<u16>,
    /// The only authorization server to which the client id and its secret are sent.
    pub issuer: Option<String>,
    /// The key that signs instead of a secret, for client credentials.
    pub private_key: Option<KeySource>,
    /// How it signs.
    pub signing_algorithm: SigningAlgorithm,
    /// Who vouches for the person, with `grant = "enterprise"`.
    pub identity_provider: Option<IdentityProvider>,
}

/// `grant = "auto" | "authorization-code" | "client-credentials" | "enterprise"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// A person, unless the authorization server gives out tokens to programs alone.
    #[default]
    Auto,
    /// A person, in a browser.
    AuthorizationCode,
    /// The program itself: nobody is asked.
    ClientCredentials,
    /// A person whose employer vouches: nobody is asked.
    Enterprise,
}

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A PEM file.
    File(PathBuf),
    /// The PEM text itself.
    Pem(Secret),
}

/// `signing_algorithm = "RS256" | ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSA, SHA-256.
    RS256,
    /// RSA, SHA-384.
    RS384,
    /// RSA, SHA-512.
    RS512,
    /// P-256, SHA-256.
    #[default]
    ES256,
    /// P-384, SHA-384.
    ES384,
}

impl SigningAlgorithm {
    /// All of them, with their names.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("ES256", Self::ES256),
        ("ES384", Self::ES384),
        ("RS256", Self::RS256),
        ("RS384", Self::RS384),
        ("RS512", Self::RS512),
    ];
}

/// The employer's identity provider, which turns the person's token into one that the authorization server takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its issuer identifier.
    pub issuer: String,
    /// Its token endpoint.
    pub token_endpoint: String,
    /// Our client id there.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Option<Secret>,
    /// The person's identity token.
    pub id_token: Secret,
}
