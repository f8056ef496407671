//! Tokens that need no person: renewed ones, the program's own (client credentials), and those that an employer vouches for.

use std::sync::Arc;

use rmcp::transport::auth::enterprise::{
    EmaAuthorizationServer, EmaClientAuthentication, EmaExchangeRequest,
};
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, ClientCredentialsConfig, CredentialStore as _,
    InMemoryCredentialStore, JwtSigningAlgorithm, OAuthTokenResponse, StoredCredentials,
};
use serde_json::{Value, json};

use super::discovery::{Found, because};
use super::record::{Client, Record};
use super::sign_in::configure;
use super::{Inner, SignInError, loopback};
use crate::config::{Grant, IdentityProvider, KeySource, Secret, SigningAlgorithm};
use crate::mcp::wire::redact::Redactor;

/// Renews a token. The caller holds the server's lock and has read the record under it. None when the authorization server will
/// never take this refresh token again.
pub(super) async fn renew(
    inner: &Inner,
    mut found: Found,
    record: &Record,
) -> Result<Option<Record>, SignInError> {
    let redacted =
        |error: &AuthError| because(error, &inner.wire).without(&Redactor::new(record.secrets()));
    let redirect = record.client.redirect.clone();
    let redirect = redirect.unwrap_or_else(|| loopback::redirect(1));
    configure(&mut found, &record.client, &redirect).map_err(|error| redacted(&error))?;
    let token = serde_json::from_value(record.answer());
    let token =
        token.map_err(|error| SignInError::new(format!("what was kept is broken: {error}")))?;
    let kept = InMemoryCredentialStore::new();
    let stored = StoredCredentials::new(
        record.client.id.clone(),
        Some(token),
        record.scopes.clone(),
        None,
    );
    kept.save(stored).await.map_err(|error| redacted(&error))?;
    found.manager.set_credential_store(kept);
    match found.manager.refresh_token().await {
        Ok(token) => {
            let token = serde_json::to_value(&token).unwrap_or_default();
            let scopes = found.manager.get_current_scopes().await;
            let (server, client) = (inner.url.as_str(), record.client.clone());
            Ok(Some(Record::of(
                server,
                &found.issuer,
                client,
                &token,
                scopes,
            )))
        }
        Err(AuthError::TokenRefreshRejected(_) | AuthError::AuthorizationRequired) => Ok(None),
        Err(error) => Err(redacted(&error)),
    }
}

/// The way to a token on which nobody is asked; none where a person is.
pub(super) fn way(inner: &Inner, found: &Found) -> Option<Grant> {
    let settings = &inner.settings;
    let offered = found
        .metadata
        .additional_fields
        .get("grant_types_supported");
    let offered = offered.and_then(Value::as_array);
    let offers = |grant: &str| offered.is_some_and(|all| all.iter().any(|known| known == grant));
    let can_prove = settings.client_id.is_some()
        && (settings.client_secret.is_some() || settings.private_key.is_some());
    match settings.grant {
        Grant::AuthorizationCode => None,
        Grant::Auto => (can_prove && offers("client_credentials") && !offers("authorization_code"))
            .then_some(Grant::ClientCredentials),
        silent => Some(silent),
    }
}

/// A token for the program itself, or for a person that an employer vouches for.
pub(super) async fn obtain(
    inner: &Inner,
    found: Found,
    way: Grant,
    scopes: Vec<String>,
) -> Result<Record, SignInError> {
    match way {
        Grant::Enterprise => vouched(inner, &found, scopes).await,
        Grant::ClientCredentials | Grant::Auto | Grant::AuthorizationCode => {
            own(inner, found, scopes).await
        }
    }
}

fn needed<'s, T>(value: Option<&'s T>, key: &str) -> Result<&'s T, SignInError> {
    value.ok_or_else(|| {
        SignInError::new(format!("`{key}` is missing in the server's `oauth` table"))
    })
}

/// How the program proves who it is.
async fn proof(
    inner: &Inner,
    client_id: String,
    scopes: Vec<String>,
) -> Result<ClientCredentialsConfig, SignInError> {
    let settings = &inner.settings;
    let resource = Some(inner.resource());
    if let Some(key) = &settings.private_key {
        return Ok(ClientCredentialsConfig::PrivateKeyJwt {
            client_id,
            signing_key: pem(key).await?,
            signing_algorithm: algorithm(settings.signing_algorithm),
            token_endpoint_audience: None,
            scopes,
            resource,
        });
    }
    let secret = needed(settings.client_secret.as_ref(), "client_secret")?;
    Ok(ClientCredentialsConfig::ClientSecret {
        client_id,
        client_secret: secret.expose().to_owned(),
        scopes,
        resource,
    })
}

async fn own(inner: &Inner, mut found: Found, scopes: Vec<String>) -> Result<Record, SignInError> {
    let settings = &inner.settings;
    let client_id = needed(settings.client_id.as_ref(), "client_id")?.clone();
    let config = proof(inner, client_id.clone(), scopes.clone()).await?;
    let secret = settings.client_secret.as_ref().map(Secret::expose);
    let redacted = |error: AuthError| because(&error, &inner.wire).without(&Redactor::new(secret));
    found
        .manager
        .validate_client_credentials_metadata(&config)
        .map_err(redacted)?;
    found
        .manager
        .configure_client_credentials(&config)
        .map_err(redacted)?;
    let (token, granted) = exchange(found.manager, config).await?;
    let token = serde_json::to_value(&token.map_err(redacted)?).unwrap_or_default();
    let granted = if granted.is_empty() { scopes } else { granted };
    Ok(Record::of(
        inner.url.as_str(),
        &found.issuer,
        unkept(client_id),
        &token,
        granted,
    ))
}

/// The library's exchange cannot change threads, so it gets one of its own.
async fn exchange(
    manager: AuthorizationManager,
    config: ClientCredentialsConfig,
) -> Result<(Result<OAuthTokenResponse, AuthError>, Vec<String>), SignInError> {
    let runtime = tokio::runtime::Handle::current();
    let alone = move || {
        runtime.block_on(async {
            let token = manager.exchange_client_credentials(&config).await;
            (token, manager.get_current_scopes().await)
        })
    };
    let ended = tokio::task::spawn_blocking(alone).await;
    ended.map_err(|error| SignInError::new(format!("the exchange broke off: {error}")))
}

/// A client whose secret stands in the configuration, and nowhere else.
fn unkept(id: String) -> Client {
    Client {
        id,
        secret: None,
        redirect: None,
    }
}

async fn pem(key: &KeySource) -> Result<Vec<u8>, SignInError> {
    match key {
        KeySource::Pem(text) => Ok(text.expose().as_bytes().to_vec()),
        KeySource::File(path) => tokio::fs::read(path).await.map_err(|error| {
            SignInError::new(format!(
                "cannot read the private key {}: {error}",
                path.display()
            ))
        }),
    }
}

fn algorithm(named: SigningAlgorithm) -> JwtSigningAlgorithm {
    match named {
        SigningAlgorithm::RS256 => JwtSigningAlgorithm::RS256,
        SigningAlgorithm::RS384 => JwtSigningAlgorithm::RS384,
        SigningAlgorithm::RS512 => JwtSigningAlgorithm::RS512,
        SigningAlgorithm::ES256 => JwtSigningAlgorithm::ES256,
        SigningAlgorithm::ES384 => JwtSigningAlgorithm::ES384,
    }
}

/// The two authorization servers of a person that an employer vouches for: the employer's, and the MCP server's.
fn both(
    inner: &Inner,
    found: &Found,
    provider: &IdentityProvider,
    client_id: &str,
) -> Result<(EmaAuthorizationServer, EmaAuthorizationServer), SignInError> {
    let (issuer, endpoint) = (&provider.issuer, &provider.token_endpoint);
    let idp = EmaAuthorizationServer::new(issuer, endpoint, &provider.client_id);
    let proof = authentication(provider.client_secret.as_ref(), None)?;
    let idp = idp.with_client_authentication(proof);
    let methods = &found.metadata.additional_fields;
    let methods = methods.get("token_endpoint_auth_methods_supported");
    let endpoint = &found.metadata.token_endpoint;
    let there = EmaAuthorizationServer::new(&found.issuer, endpoint, client_id);
    let proof = authentication(inner.settings.client_secret.as_ref(), methods)?;
    Ok((idp, there.with_client_authentication(proof)))
}

async fn vouched(inner: &Inner, found: &Found, scopes: Vec<String>) -> Result<Record, SignInError> {
    let settings = &inner.settings;
    let provider = needed(settings.identity_provider.as_ref(), "idp_issuer")?;
    let client_id = needed(settings.client_id.as_ref(), "client_id")?.clone();
    let (idp, there) = both(inner, found, provider, &client_id)?;
    let resource = inner.resource();
    let asked =
        EmaExchangeRequest::new_with_id_token(idp, there, &resource, provider.id_token.expose());
    let wire: &Arc<_> = &inner.wire;
    // The errors of both exchanges hold nothing of what the servers answered.
    let outcome = asked
        .with_scopes(scopes)
        .exchange(wire.as_ref(), wire.as_ref())
        .await;
    let token = outcome.map_err(|error| {
        let trouble = wire
            .trouble()
            .map(|why| format!(" ({why})"))
            .unwrap_or_default();
        SignInError::new(format!(
            "the employer's identity provider could not vouch: {error}{trouble}"
        ))
    })?;
    let answer = json!({
        "access_token": token.access_token.secret(),
        "expires_in": token.expires_in.map(|lasts| lasts.as_secs()),
    });
    let mut granted: Vec<String> = token.scopes.into_iter().collect();
    granted.sort();
    Ok(Record::of(
        inner.url.as_str(),
        &found.issuer,
        unkept(client_id),
        &answer,
        granted,
    ))
}

/// How a client proves itself: in the header unless only the body is taken.
fn authentication(
    secret: Option<&Secret>,
    methods: Option<&Value>,
) -> Result<EmaClientAuthentication, SignInError> {
    let Some(secret) = secret else {
        return Ok(EmaClientAuthentication::None);
    };
    let takes = |method: &str| {
        methods
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|known| known == method))
    };
    // The library's own type of it has no other door.
    let text = Value::from(secret.expose());
    let unfit =
        |error: serde_json::Error| SignInError::new(format!("the secret cannot be used: {error}"));
    Ok(
        match takes("client_secret_post") && !takes("client_secret_basic") {
            true => EmaClientAuthentication::ClientSecretPost(
                serde_json::from_value(text).map_err(unfit)?,
            ),
            false => EmaClientAuthentication::ClientSecretBasic(
                serde_json::from_value(text).map_err(unfit)?,
            ),
        },
    )
}
