//! Finding out who gives out tokens for a server, by its challenge and its documents, and whether that one can be used.

use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource,
};
use url::Url;

use super::SignInError;
use super::wire::Wire;
use crate::text::clean;

/// An authorization server, and the library's manager set to it.
pub(super) struct Found {
    /// Knows the metadata, and nothing else yet.
    pub manager: AuthorizationManager,
    /// What the authorization server says of itself.
    pub metadata: AuthorizationMetadata,
    /// Its name: what it was found to be, or, where it has said nothing, where its tokens come from.
    pub issuer: String,
}

/// Finds the authorization server of this MCP server. `challenge` is the `WWW-Authenticate` of a refusal.
pub(super) async fn find(
    server: &Url,
    challenge: Option<&str>,
    wire: &std::sync::Arc<Wire>,
) -> Result<Found, SignInError> {
    let made = AuthorizationManager::new_with_oauth_http_client(server.clone(), wire.clone()).await;
    let mut manager = made.map_err(|error| because(&error, wire))?;
    let resolved = manager.resolve_metadata_from_challenge(challenge).await;
    let resolved = resolved.map_err(|error| because(&error, wire))?;
    let metadata = resolved.metadata;
    for endpoint in [
        Some(&metadata.authorization_endpoint),
        Some(&metadata.token_endpoint),
        metadata.registration_endpoint.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        check(endpoint, wire)?;
    }
    proof_key(&metadata, resolved.source)?;
    manager.set_metadata(metadata.clone());
    let issuer = match &metadata.issuer {
        Some(issuer) => issuer.clone(),
        None => Url::parse(&metadata.token_endpoint)
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default(),
    };
    Ok(Found {
        manager,
        metadata,
        issuer,
    })
}

fn check(endpoint: &str, wire: &Wire) -> Result<(), SignInError> {
    let shown = clean::line(endpoint);
    let url = Url::parse(endpoint).map_err(|error| {
        SignInError::new(format!(
            "`{shown}` of the authorization server is no URL: {error}"
        ))
    })?;
    wire.allows(&url)
        .map_err(|why| SignInError::new(format!("the authorization server cannot be used: {why}")))
}

/// Without PKCE a stolen code is as good as a token. Servers of the time before protected-resource metadata need not announce it.
fn proof_key(
    metadata: &AuthorizationMetadata,
    source: AuthorizationMetadataSource,
) -> Result<(), SignInError> {
    let announced = metadata.code_challenge_methods_supported.as_ref();
    let old = source != AuthorizationMetadataSource::ProtectedResourceMetadata;
    match announced {
        Some(methods) if methods.iter().any(|method| method == "S256") => Ok(()),
        None if old => Ok(()),
        _ => Err(SignInError::new(
            "the authorization server does not announce PKCE with S256 (`code_challenge_methods_supported`), without which a \
             sign-in can be stolen",
        )),
    }
}

/// An error of the library in words, with the cause that it drops. What stands in them may be the server's: clean it where it is shown.
pub(super) fn because(error: &AuthError, wire: &Wire) -> SignInError {
    let trouble = wire.trouble();
    let words = match error {
        AuthError::RegistrationFailed(why) => format!("no client id could be registered: {why}"),
        AuthError::TokenExchangeFailed(why) => format!("no token was given out: {why}"),
        AuthError::TokenRefreshRejected(why) | AuthError::TokenRefreshFailed(why) => {
            format!("the token could not be renewed: {why}")
        }
        AuthError::AuthorizationServerMismatch {
            expected_issuer,
            received_issuer,
        } => mismatch(expected_issuer, received_issuer),
        other => other.to_string(),
    };
    let words = match trouble {
        Some(trouble) if !words.contains(&trouble) => format!("{words} ({trouble})"),
        _ => words,
    };
    let passes = matches!(
        error,
        AuthError::HttpError(_)
            | AuthError::TokenRefreshFailed(_)
            | AuthError::DiscoveryRequestFailed { .. }
            | AuthError::AuthorizationServersUnavailable { .. }
    );
    SignInError {
        passes,
        ..SignInError::new(words)
    }
}

/// The words for an answer of another authorization server than the one that was asked.
pub(super) fn mismatch(expected: &str, received: &str) -> String {
    format!(
        "the answer came from another authorization server ({received}) than the one that was asked ({expected}): nothing of it is used"
    )
}
