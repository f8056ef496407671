//! What the suite says besides the URL (`MCP_CONFORMANCE_CONTEXT`): calls to make, and what a person would have put into the
//! configuration for a sign-in.
//!
//! Data for any client. The name of the scenario stands in it too, and is not read.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::error::{CliError, ErrorKind};
use crate::config::Secret;
use crate::config::oauth::{Grant, IdentityProvider, KeySource, OauthSettings, SigningAlgorithm};

/// The suite's word for who we are where an authorization server takes documents. There is nothing behind it.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// The context.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Calls to make with just these arguments.
    #[serde(rename = "toolCalls")]
    pub calls: Vec<GivenCall>,
    client_id: Option<String>,
    client_secret: Option<String>,
    private_key_pem: Option<String>,
    signing_algorithm: SigningAlgorithm,
    idp_issuer: Option<String>,
    idp_token_endpoint: Option<String>,
    idp_client_id: Option<String>,
    idp_id_token: Option<String>,
}

/// One call of the context.
#[derive(Debug, Deserialize)]
pub struct GivenCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Map<String, Value>,
}

impl Context {
    /// Reads it; without one there is nothing besides the URL.
    pub fn read() -> Result<Self, CliError> {
        let Ok(text) = std::env::var("MCP_CONFORMANCE_CONTEXT") else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|error| {
            CliError::new(
                ErrorKind::Usage,
                format!("MCP_CONFORMANCE_CONTEXT cannot be read: {error}"),
            )
        })
    }

    /// The table `oauth` that a person would have written.
    pub fn sign_in(&self) -> OauthSettings {
        let secret = |text: &Option<String>| text.as_deref().map(Secret::new);
        let identity_provider = self.identity_provider();
        OauthSettings {
            grant: match identity_provider {
                Some(_) => Grant::Enterprise,
                None => Grant::Auto,
            },
            client_id: self.client_id.clone(),
            client_secret: secret(&self.client_secret),
            client_metadata_url: Some(DOCUMENT.to_owned()),
            private_key: secret(&self.private_key_pem).map(KeySource::Pem),
            signing_algorithm: self.signing_algorithm,
            identity_provider,
            ..OauthSettings::default()
        }
    }

    fn identity_provider(&self) -> Option<IdentityProvider> {
        Some(IdentityProvider {
            issuer: self.idp_issuer.clone()?,
            token_endpoint: self.idp_token_endpoint.clone()?,
            client_id: self.idp_client_id.clone()?,
            client_secret: None,
            id_token: Secret::new(self.idp_id_token.as_deref()?),
        })
    }
}
