//! A sign-in of a person: the address to go to, and what follows when the browser comes back.
//!
//! Begun by [`super::Authorizer::sign_in`]. It holds no lock while a person thinks.

use std::fmt;

use rmcp::transport::auth::{
    InMemoryStateStore, OAuthClientConfig, StateStore as _, StoredAuthorizationState,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::discovery::{Found, because, mismatch};
use super::loopback::{self, Loopback};
use super::record::{Client, Record, now};
use super::{Authorizer, Inner, SignInError, browser};
use crate::mcp::wire::redact::Redactor;

/// The name under which a client of ours is registered.
const NAME: &str = "mcpdeck";
/// A sign-in that is begun in one run of the program can be finished in another for so long, in seconds.
const LASTS: u64 = 15 * 60;

/// A sign-in that waits for a person.
pub struct SignIn {
    authorizer: Authorizer,
    found: Found,
    client: Client,
    url: String,
    state: String,
    door: Option<Loopback>,
}

/// What another run of the program needs to finish a sign-in.
#[derive(Serialize, Deserialize)]
struct Begun {
    at: u64,
    issuer: String,
    client: Client,
    redirect: String,
    state: String,
    kept: StoredAuthorizationState,
}

impl SignIn {
    /// The address to go to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a browser that is sent back reaches us here.
    pub fn comes_back(&self) -> bool {
        self.door.is_some() && browser::is_here()
    }

    /// Waits until the browser comes back, and gives the address that it came with. For ever where it cannot.
    pub async fn redirected(&self) -> String {
        match &self.door {
            Some(door) => door.visited(&self.state).await,
            None => std::future::pending().await,
        }
    }

    /// Goes on by the address that the browser was sent to. Afterwards there are credentials.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn finish(&self, redirect: &str) -> Result<(), SignInError> {
        let Some(inner) = &self.authorizer.inner else {
            return Err(super::not_here());
        };
        let record = self.redeem(inner, redirect).await?;
        let lock = inner
            .store
            .lock(&inner.key())
            .await
            .map_err(SignInError::new)?;
        inner.save(&record)?;
        let _forgotten = inner.store.remove(&inner.begun_key());
        drop(lock);
        inner.memory.lock().await.signed_in(record);
        Ok(())
    }

    /// The code for a token. Nothing is kept yet.
    pub(super) async fn redeem(
        &self,
        inner: &Inner,
        redirect: &str,
    ) -> Result<Record, SignInError> {
        let answer = Answer::read(redirect)?;
        let code = self.code(&answer)?;
        let manager = &self.found.manager;
        let exchange = manager.exchange_code_for_token_with_issuer(
            code,
            &self.state,
            answer.issuer.as_deref(),
        );
        let token = exchange.await.map_err(|error| {
            let secrets = [code].into_iter().chain(self.client.secret.as_deref());
            because(&error, &inner.wire).without(&Redactor::new(secrets))
        })?;
        let token = serde_json::to_value(&token).unwrap_or_default();
        let scopes = manager.get_current_scopes().await;
        let record = Record::of(
            inner.url.as_str(),
            &self.found.issuer,
            self.client.clone(),
            &token,
            scopes,
        );
        match record.access_token {
            Some(_) => Ok(record),
            None => Err(SignInError::new(
                "the authorization server answered without a token",
            )),
        }
    }

    /// The code of an answer that belongs to this sign-in and comes from whom it was asked of.
    fn code<'a>(&self, answer: &'a Answer) -> Result<&'a str, SignInError> {
        if answer.state.as_deref() != Some(self.state.as_str()) {
            return Err(SignInError::new(
                "the address belongs to another sign-in (its `state` differs): begin again, and use the address that this one ends at",
            ));
        }
        self.check_issuer(answer.issuer.as_deref())?;
        if let Some(error) = &answer.error {
            let why = answer.description.as_ref();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            return Err(SignInError::new(format!(
                "the authorization server refused ({error}){why}"
            )));
        }
        answer.code.as_deref().ok_or_else(|| {
            SignInError::new(
                "the address has no `code`: use the whole address that the browser ended at",
            )
        })
    }

    /// RFC 9207: before the code goes anywhere, and before anything that came with it is believed. Compared letter by letter.
    fn check_issuer(&self, received: Option<&str>) -> Result<(), SignInError> {
        let announced = self
            .found
            .metadata
            .additional_fields
            .get("authorization_response_iss_parameter_supported");
        let must = announced
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false);
        match (received, &self.found.metadata.issuer) {
            (Some(received), Some(expected)) if received == expected => Ok(()),
            (Some(received), _) => Err(SignInError::new(mismatch(&self.found.issuer, received))),
            (None, _) if must => Err(SignInError::new(
                "the answer does not say which authorization server it is from (no `iss`), though this one always says so: nothing of it is used",
            )),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignIn(at {})", self.found.issuer)
    }
}

/// What stands in the address that the browser was sent to.
#[derive(Default)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Answer {
    fn read(redirect: &str) -> Result<Self, SignInError> {
        let url = Url::parse(redirect.trim()).map_err(|error| {
            SignInError::new(format!(
                "that is no address ({error}): paste the whole address that the browser ended at, from `http` on"
            ))
        })?;
        let mut answer = Self::default();
        for (key, value) in url.query_pairs() {
            let place = match key.as_ref() {
                "code" => &mut answer.code,
                "state" => &mut answer.state,
                "iss" => &mut answer.issuer,
                "error" => &mut answer.error,
                "error_description" => &mut answer.description,
                _ => continue,
            };
            if place.is_some() {
                return Err(SignInError::new(format!(
                    "the address has `{key}` twice: nothing of it is used"
                )));
            }
            *place = Some(value.into_owned());
        }
        Ok(answer)
    }
}

/// Begins a sign-in at the authorization server that was found. `known` is what is kept from before.
pub(super) async fn begin(
    authorizer: &Authorizer,
    inner: &Inner,
    mut found: Found,
    known: Option<&Record>,
    scopes: Vec<String>,
) -> Result<SignIn, SignInError> {
    let known = known
        .filter(|record| record.issuer == found.issuer)
        .map(|record| &record.client);
    let door = door(inner, known).await?;
    let redirect = door.redirect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let client = client(inner, &mut found, known, &redirect, &scopes).await?;
    configure(&mut found, &client, &redirect).map_err(|error| because(&error, &inner.wire))?;
    let kept = InMemoryStateStore::new();
    found.manager.set_state_store(kept.clone());
    let url = found.manager.get_authorization_url(&scopes).await;
    let url = url.map_err(|error| because(&error, &inner.wire))?;
    let state =
        state_of(&url).ok_or_else(|| SignInError::new("the address to go to has no `state`"))?;
    if let Ok(Some(kept)) = kept.load(&state).await {
        let begun = Begun {
            at: now(),
            issuer: found.issuer.clone(),
            client: client.clone(),
            redirect,
            state: state.clone(),
            kept,
        };
        let text =
            serde_json::to_string(&begun).map_err(|error| SignInError::new(error.to_string()))?;
        inner
            .store
            .save(&inner.begun_key(), &text)
            .map_err(SignInError::new)?;
    }
    Ok(SignIn {
        authorizer: authorizer.clone(),
        found,
        client,
        url,
        state,
        door: Some(door),
    })
}

/// The `state` of an address to go to.
fn state_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut pairs = url.query_pairs();
    let (_, state) = pairs.find(|(key, _)| key == "state")?;
    Some(state.into_owned())
}

/// Takes up a sign-in that another run of the program began.
pub(super) async fn resume(
    authorizer: &Authorizer,
    inner: &Inner,
    mut found: Found,
) -> Result<SignIn, SignInError> {
    let none = || SignInError::new("no sign-in was begun in the last 15 minutes: begin one");
    let text = inner
        .store
        .load(&inner.begun_key())
        .map_err(SignInError::new)?
        .ok_or_else(none)?;
    let begun: Begun = serde_json::from_str(&text).map_err(|_| none())?;
    if begun.at.saturating_add(LASTS) < now() {
        return Err(none());
    }
    if begun.issuer != found.issuer {
        return Err(SignInError::new(mismatch(&begun.issuer, &found.issuer)));
    }
    configure(&mut found, &begun.client, &begun.redirect)
        .map_err(|error| because(&error, &inner.wire))?;
    let kept = InMemoryStateStore::new();
    let saved = kept.save(&begun.state, begun.kept).await;
    saved.map_err(|error| because(&error, &inner.wire))?;
    found.manager.set_state_store(kept);
    Ok(SignIn {
        authorizer: authorizer.clone(),
        found,
        client: begun.client,
        url: String::new(),
        state: begun.state,
        door: None,
    })
}

/// Sets the library's manager to a client.
pub(super) fn configure(
    found: &mut Found,
    client: &Client,
    redirect: &str,
) -> Result<(), rmcp::transport::auth::AuthError> {
    let mut config = OAuthClientConfig::new(&client.id, redirect);
    config.client_secret.clone_from(&client.secret);
    found.manager.configure_client(config)
}

/// The door for the browser: at the port that the configuration names, else at the one that we are registered with.
async fn door(inner: &Inner, known: Option<&Client>) -> Result<Loopback, SignInError> {
    if let Some(port) = inner.settings.redirect_port {
        return Loopback::open(Some(port)).await.map_err(|error| {
            SignInError::new(format!(
                "cannot listen on 127.0.0.1:{port} (`redirect_port`): {error}"
            ))
        });
    }
    let registered = known.and_then(|client| loopback::port_of(client.redirect.as_deref()?));
    if let Some(port) = registered
        && let Ok(door) = Loopback::open(Some(port)).await
    {
        return Ok(door);
    }
    let any = Loopback::open(None).await;
    any.map_err(|error| SignInError::new(format!("cannot listen on loopback: {error}")))
}

/// Who we are there: as the configuration says, by our document's URL, as registered before, or registered now.
async fn client(
    inner: &Inner,
    found: &mut Found,
    known: Option<&Client>,
    redirect: &str,
    scopes: &[&str],
) -> Result<Client, SignInError> {
    let settings = &inner.settings;
    if let Some(id) = &settings.client_id {
        let secret = settings.client_secret.as_ref();
        return Ok(Client {
            id: id.clone(),
            secret: secret.map(|secret| secret.expose().to_owned()),
            redirect: None,
        });
    }
    let takes_documents = found
        .metadata
        .additional_fields
        .get("client_id_metadata_document_supported");
    let takes_documents = takes_documents
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(false);
    if let (Some(document), true) = (&settings.client_metadata_url, takes_documents) {
        return Ok(Client {
            id: document.clone(),
            secret: None,
            redirect: None,
        });
    }
    if let Some(known) = known.filter(|known| known.redirect.as_deref() == Some(redirect)) {
        return Ok(known.clone());
    }
    registered(inner, found, redirect, scopes).await
}

async fn registered(
    inner: &Inner,
    found: &mut Found,
    redirect: &str,
    scopes: &[&str],
) -> Result<Client, SignInError> {
    let hint = "get a client id from its owner and set `client_id` in the server's `oauth` table";
    if found.metadata.registration_endpoint.is_none() {
        let why = "the authorization server registers no clients by itself";
        return Err(SignInError::new(why).hint(hint));
    }
    let registered = found.manager.register_client(NAME, redirect, scopes).await;
    let registered = registered.map_err(|error| {
        let hint = format!("where it registers no clients by itself, {hint}");
        because(&error, &inner.wire).hint(hint)
    })?;
    Ok(Client {
        id: registered.client_id,
        secret: registered.client_secret,
        redirect: Some(redirect.to_owned()),
    })
}
