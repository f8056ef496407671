//! What is known of one server's sign-in, and the way from a refusal to the next token.
//!
//! One lock for all requests of this window, and the store's for all windows: a token is renewed once, whoever asks first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::transport::auth::WWWAuthenticateParams;
use tokio::sync::Mutex;
use url::Url;

use super::browser::Browser;
use super::discovery::{self, Found};
use super::record::Record;
use super::sign_in::{self, SignIn};
use super::silent;
use super::store::Store;
use super::wire::Wire;
use super::{Account, Authorizer, SignInError, Verdict};
use crate::config::{Grant, OauthSettings, Secret};

/// How often a server may ask for more rights, or refuse a new token, before that is taken for its last word.
const TRIES: u32 = 3;
/// Refusals that are further apart have nothing to do with each other.
const IN_A_ROW: Duration = Duration::from_secs(60);
/// So soon after a renewal that came to nothing another one is not tried.
const FAILS_AGAIN: Duration = Duration::from_secs(5);

/// One server's sign-in.
pub(super) struct Inner {
    pub url: Url,
    pub settings: OauthSettings,
    pub browser: Browser,
    pub store: Store,
    pub wire: Arc<Wire>,
    pub memory: Mutex<Memory>,
}

/// What this window remembers.
#[derive(Default)]
pub(super) struct Memory {
    record: Option<Record>,
    /// The server's last `WWW-Authenticate`.
    challenge: Option<String>,
    /// The rights that it has asked for since.
    wanted: Vec<String>,
    /// How often in a row it has refused, and when last.
    refusals: u32,
    last: Option<Instant>,
    /// When a renewal came to nothing, and why.
    failed: Option<(Instant, SignInError)>,
}

impl Memory {
    /// A person has signed in.
    pub fn signed_in(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Counts a refusal; false when there were too many in a row.
    fn may_try(&mut self) -> bool {
        let row = self.last.is_some_and(|last| last.elapsed() < IN_A_ROW);
        self.refusals = if row { self.refusals + 1 } else { 1 };
        self.last = Some(Instant::now());
        self.refusals <= TRIES
    }
}

impl Inner {
    pub fn new(url: Url, settings: OauthSettings, browser: Browser, store: Store) -> Self {
        Self {
            wire: Arc::new(Wire::new(&url)),
            url,
            settings,
            browser,
            store,
            memory: Mutex::default(),
        }
    }

    /// The name of this server's record.
    pub fn key(&self) -> String {
        self.url.to_string()
    }

    /// The name of a sign-in that is under way.
    pub fn begun_key(&self) -> String {
        format!("begun {}", self.url)
    }

    /// The server's name as a resource: its URL without a fragment.
    pub fn resource(&self) -> String {
        let mut url = self.url.clone();
        url.set_fragment(None);
        url.to_string()
    }

    fn load(&self) -> Result<Option<Record>, SignInError> {
        let text = self.store.load(&self.key()).map_err(SignInError::new)?;
        // What another version wrote, or nobody can read, is as good as nothing.
        let record: Option<Record> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(record.filter(|record| record.server == self.url.as_str()))
    }

    pub fn save(&self, record: &Record) -> Result<(), SignInError> {
        let text =
            serde_json::to_string(record).map_err(|error| SignInError::new(error.to_string()))?;
        self.store
            .save(&self.key(), &text)
            .map_err(SignInError::new)
    }

    /// The token that can be sent as it is.
    pub async fn fresh(&self) -> Option<Secret> {
        let memory = self.memory.lock().await;
        let record = memory.record.as_ref().filter(|record| record.is_fresh())?;
        record.access_token.as_deref().map(Secret::new)
    }

    pub async fn token(&self) -> Option<Secret> {
        let mut memory = self.memory.lock().await;
        if !memory.record.as_ref().is_some_and(Record::is_fresh) {
            memory.record = self.load().ok().flatten();
        }
        let stale = memory
            .record
            .as_ref()
            .is_some_and(|record| !record.is_fresh());
        if stale {
            // Where it does not work the old one goes out: what the server says to it is what the person needs to know.
            let _refused_later = self.renew(&mut memory, None).await;
        }
        let token = memory.record.as_ref()?.access_token.as_deref()?;
        Some(Secret::new(token))
    }

    pub async fn refused(
        &self,
        authorizer: &Authorizer,
        status: u16,
        challenge: Option<&str>,
        sent: Option<&Secret>,
    ) -> Verdict {
        let mut memory = self.memory.lock().await;
        let said = challenge.map(|said| WWWAuthenticateParams::parse(said, &self.url));
        let more = said
            .as_ref()
            .is_some_and(WWWAuthenticateParams::is_insufficient_scope);
        let wanted = said
            .as_ref()
            .and_then(|said| said.scope.clone())
            .unwrap_or_default();
        let mut why = words(status, more, sent.is_some(), &wanted);
        if let Some(detail) = said.and_then(|said| said.error_description) {
            why.push_str(&format!(": {detail}"));
        }
        if status != 401 && !more {
            return Verdict::SignIn { why };
        }
        memory.challenge = challenge.map(str::to_owned);
        let newest = memory.record.as_ref().filter(|record| record.is_fresh());
        let newest = newest.and_then(|record| record.access_token.as_deref());
        if sent.is_some() && newest.is_some() && newest != sent.map(Secret::expose) {
            // Another request was refused before and has got a new one meanwhile.
            return Verdict::Retry;
        }
        if more {
            add(&mut memory.wanted, wanted.split_whitespace());
        }
        if !memory.may_try() {
            why.push_str(&format!("; it has refused {TRIES} new tokens in a row"));
            return Verdict::SignIn { why };
        }
        match self.acquire(authorizer, &mut memory, sent, more).await {
            Ok(true) => Verdict::Retry,
            Ok(false) => Verdict::SignIn { why },
            Err(error) => {
                let known = memory.record.as_ref();
                error.verdict(
                    &why,
                    known.is_some_and(|known| known.refresh_token.is_some()),
                )
            }
        }
    }

    /// Gets another token than the one that was sent; false when only a person can.
    async fn acquire(
        &self,
        authorizer: &Authorizer,
        memory: &mut Memory,
        sent: Option<&Secret>,
        more: bool,
    ) -> Result<bool, SignInError> {
        if !more && self.renew(memory, sent).await? {
            return Ok(true);
        }
        // Where only a person can, nothing is found out before they say so.
        let may_be_silent =
            self.settings.grant != Grant::AuthorizationCode && self.settings.client_id.is_some();
        if self.browser == Browser::Person && !may_be_silent {
            return Ok(false);
        }
        let Some((found, scopes)) = self.silently(memory).await? else {
            return Ok(true);
        };
        if self.browser == Browser::Person {
            return Ok(false);
        }
        let begun = sign_in::begin(authorizer, self, found, memory.record.as_ref(), scopes).await?;
        let redirect = self.wire.visit(begun.url()).await;
        let redirect = redirect.map_err(SignInError::new)?;
        let record = begun.redeem(self, &redirect).await?;
        self.save(&record)?;
        memory.record = Some(record);
        Ok(true)
    }

    /// Renews the token, or takes the one that another window has renewed. `sent` is a token that the server has refused.
    async fn renew(&self, memory: &mut Memory, sent: Option<&Secret>) -> Result<bool, SignInError> {
        let _lock = self
            .store
            .lock(&self.key())
            .await
            .map_err(SignInError::new)?;
        let Some(record) = self.load()? else {
            memory.record = None;
            return Ok(false);
        };
        memory.record = Some(record.clone());
        let is_other = record.access_token.as_deref() != sent.map(Secret::expose);
        if record.is_fresh() && is_other {
            return Ok(true);
        }
        if record.refresh_token.is_none() {
            return Ok(false);
        }
        // Requests wait here one behind the other: each would wait as long for nothing.
        if let Some((_, why)) = memory
            .failed
            .as_ref()
            .filter(|(at, _)| at.elapsed() < FAILS_AGAIN)
        {
            return Err(why.clone());
        }
        let renewed = self.renewed(memory, record).await;
        let failed = renewed.as_ref().err().cloned();
        memory.failed = failed.map(|why| (Instant::now(), why));
        renewed
    }

    async fn renewed(&self, memory: &mut Memory, record: Record) -> Result<bool, SignInError> {
        let found = self.find(memory).await?;
        if found.issuer != record.issuer {
            // Tokens of one authorization server are nothing to another.
            return Ok(false);
        }
        let renewed = silent::renew(self, found, &record).await?;
        let is_new = renewed.is_some();
        let record = renewed.unwrap_or_else(|| record.without_tokens());
        self.save(&record)?;
        memory.record = Some(record);
        Ok(is_new)
    }

    pub async fn sign_in(&self, authorizer: &Authorizer) -> Result<Option<SignIn>, SignInError> {
        let mut memory = self.memory.lock().await;
        memory.refusals = 0;
        let Some((found, scopes)) = self.silently(&mut memory).await? else {
            return Ok(None);
        };
        let known = memory.record.as_ref();
        let begun = sign_in::begin(authorizer, self, found, known, scopes).await?;
        Ok(Some(begun))
    }

    /// Gets a token where nobody needs to be asked, and gives none back then; else what a person's sign-in begins with.
    async fn silently(
        &self,
        memory: &mut Memory,
    ) -> Result<Option<(Found, Vec<String>)>, SignInError> {
        memory.record = self.load()?;
        let found = self.find(memory).await?;
        self.bound(&found.issuer, memory.record.as_ref())?;
        let scopes = self.scopes(&found, memory).await;
        let Some(way) = silent::way(self, &found) else {
            return Ok(Some((found, scopes)));
        };
        let record = silent::obtain(self, found, way, scopes).await?;
        self.save(&record)?;
        memory.record = Some(record);
        Ok(None)
    }

    pub async fn resume(&self, authorizer: &Authorizer) -> Result<SignIn, SignInError> {
        let memory = self.memory.lock().await;
        let found = self.find(&memory).await?;
        drop(memory);
        sign_in::resume(authorizer, self, found).await
    }

    async fn find(&self, memory: &Memory) -> Result<Found, SignInError> {
        discovery::find(&self.url, memory.challenge.as_deref(), &self.wire).await
    }

    /// What to ask for: what the configuration says, else what the server does; and with more rights, those that there are too.
    async fn scopes(&self, found: &Found, memory: &Memory) -> Vec<String> {
        let mut scopes = match self.settings.scopes.is_empty() {
            false => self.settings.scopes.clone(),
            true => found.manager.select_initial_scopes(&[]).await,
        };
        if !memory.wanted.is_empty() {
            let granted = memory
                .record
                .iter()
                .filter(|record| record.issuer == found.issuer);
            let granted = granted.flat_map(|record| record.scopes.iter());
            let mut all: Vec<String> = granted.cloned().collect();
            add(&mut all, memory.wanted.iter().map(String::as_str));
            add(&mut all, scopes.iter().map(String::as_str));
            scopes = all;
        }
        let offline = "offline_access";
        let supported = found.metadata.scopes_supported.iter().flatten();
        if !scopes.is_empty() && supported.into_iter().any(|scope| scope == offline) {
            add(&mut scopes, [offline]);
        }
        scopes
    }

    /// A client id of the configuration belongs to one authorization server: the one that is named, else the first one.
    pub fn bound(&self, issuer: &str, known: Option<&Record>) -> Result<(), SignInError> {
        let settings = &self.settings;
        let first = known
            .filter(|known| settings.client_id.as_ref() == Some(&known.client.id))
            .map(|known| &known.issuer);
        match settings.issuer.as_ref().or(first) {
            Some(expected) if expected != issuer => Err(SignInError::new(format!(
                "the server now names another authorization server ({issuer}) than the one that the client id belongs to ({expected}): nothing is sent there"
            ))
            .hint("if you trust the new one, get a client id from it, sign out, and correct the server's `oauth` table")),
            _ => Ok(()),
        }
    }

    pub async fn sign_out(&self) -> Result<bool, SignInError> {
        let mut memory = self.memory.lock().await;
        let _lock = self
            .store
            .lock(&self.key())
            .await
            .map_err(SignInError::new)?;
        let was = self.load()?.is_some();
        self.store.remove(&self.key()).map_err(SignInError::new)?;
        self.store
            .remove(&self.begun_key())
            .map_err(SignInError::new)?;
        *memory = Memory::default();
        Ok(was)
    }

    pub fn account(&self) -> Result<Option<Account>, SignInError> {
        Ok(self.load()?.map(|record| Account {
            signed_in: record.is_fresh(),
            renews: record.refresh_token.is_some()
                || self.settings.grant != Grant::AuthorizationCode,
            kept_in: self.store.whereabouts(&self.key()),
            issuer: record.issuer,
            client_id: record.client.id,
            scopes: record.scopes,
            expires_at: record.expires_at,
        }))
    }
}

/// Adds what is not there yet.
fn add<'a>(scopes: &mut Vec<String>, more: impl IntoIterator<Item = &'a str>) {
    for scope in more {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
}

/// A refusal in words.
fn words(status: u16, more: bool, had_token: bool, wanted: &str) -> String {
    match (status, more, had_token) {
        (_, true, _) if wanted.is_empty() => {
            "the server wants more rights than this sign-in has (HTTP 403)".to_owned()
        }
        (_, true, _) => {
            format!("the server wants more rights than this sign-in has (HTTP 403): {wanted}")
        }
        (401, _, false) => "the server wants a sign-in (HTTP 401)".to_owned(),
        (401, _, true) => "the server no longer accepts the sign-in (HTTP 401)".to_owned(),
        _ => format!("the server refuses this account (HTTP {status})"),
    }
}
