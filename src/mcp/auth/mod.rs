//! Who we are to a server at a URL that wants a sign-in: tokens, and what follows from a refusal.
//!
//! The HTTP transports ask it for a token before each request and tell it of each refusal; the driver and `login` begin sign-ins.
//! It never shows anything to anybody and never sends a token to another origin than the server's own, nor anything of one
//! authorization server to another. Parts: `discovery` (who gives out tokens), `sign_in` (a person), `silent` (nobody is asked),
//! `store` (what is kept), `wire` (the exchanges), `loopback` and `browser` (the way there and back).

pub mod browser;
mod discovery;
mod keyring;
mod loopback;
mod record;
mod sign_in;
mod silent;
mod state;
mod store;
mod wire;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use url::Url;

use crate::config::{HttpLaunch, OauthSettings, Secret};
use crate::mcp::wire::redact::Redactor;

pub use browser::Browser;
pub use sign_in::SignIn;
use state::Inner;
pub use store::Store;

/// The credentials for one server. Cheap to clone; all clones share what is known. The default one has none and gets none.
#[derive(Clone, Default)]
pub struct Authorizer {
    inner: Option<Arc<Inner>>,
}

/// What follows from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is a new token: the request, which was refused and so has not run, can be sent again.
    Retry,
    /// There are credentials, and the authorization server that must renew them is not there: later they will do.
    Later {
        /// Why, as a sentence.
        why: String,
    },
    /// A person has to sign in first.
    SignIn {
        /// Why, as a sentence.
        why: String,
    },
}

/// Why there are no credentials. Holds no secret; what stands in it may be a server's words, so it is cleaned where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SignInError {
    /// Why, as a sentence.
    pub why: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether it may well be over by itself: the authorization server could not be reached, or failed.
    pub passes: bool,
}

/// What is known of a sign-in, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Account {
    /// The authorization server.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What the token is good for.
    pub scopes: Vec<String>,
    /// Whether there is a token that can be sent now.
    pub signed_in: bool,
    /// When it ends, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Whether the next one comes without a person.
    pub renews: bool,
    /// Where it is kept.
    pub kept_in: String,
}

impl Authorizer {
    /// The credentials for the server at this URL.
    ///
    /// # Errors
    /// That the URL is none.
    pub fn new(
        url: &str,
        settings: OauthSettings,
        browser: Browser,
        store: Store,
    ) -> Result<Self, SignInError> {
        let url =
            Url::parse(url).map_err(|error| SignInError::new(format!("not a URL: {error}")))?;
        let inner = Inner::new(url, settings, browser, store);
        Ok(Self {
            inner: Some(Arc::new(inner)),
        })
    }

    /// The credentials for a server of the configuration. None where it is told the header itself.
    pub fn of(launch: &HttpLaunch, store: Store) -> Self {
        if launch.is_told_who_we_are() {
            return Self::default();
        }
        Self::new(&launch.url, *launch.oauth.clone(), Browser::Person, store).unwrap_or_default()
    }

    /// The token to send, refreshed where that is due; none when there is none, and then the request goes out without one.
    pub async fn token(&self) -> Option<Secret> {
        let inner = self.inner.clone()?;
        if let Some(token) = inner.fresh().await {
            return Some(token);
        }
        unbroken(async move { inner.token().await }).await.flatten()
    }

    /// The server has refused a request with 401 or 403 and this `WWW-Authenticate`. `sent` is the token that it refused.
    pub async fn refused(
        &self,
        status: u16,
        challenge: Option<&str>,
        sent: Option<&Secret>,
    ) -> Verdict {
        let Some(inner) = &self.inner else {
            let why = match status {
                401 => "the server does not accept the token of the configuration (HTTP 401)",
                _ => "the server refuses this account (HTTP 403)",
            };
            return Verdict::SignIn {
                why: why.to_owned(),
            };
        };
        let (inner, whole) = (inner.clone(), self.clone());
        let (challenge, sent) = (challenge.map(str::to_owned), sent.cloned());
        let verdict = unbroken(async move {
            let challenge = challenge.as_deref();
            inner
                .refused(&whole, status, challenge, sent.as_ref())
                .await
        });
        verdict.await.unwrap_or_else(|| Verdict::SignIn {
            why: "mcpdeck failed over the sign-in; please report it".to_owned(),
        })
    }

    /// Begins a sign-in. None when nobody needs to go anywhere: there are credentials already then.
    ///
    /// # Errors
    /// Why it cannot be begun.
    pub async fn sign_in(&self) -> Result<Option<SignIn>, SignInError> {
        let inner = self.inner.as_ref().ok_or_else(not_here)?;
        inner.sign_in(self).await
    }

    /// Takes up a sign-in that was begun before, in this run of the program or in another.
    ///
    /// # Errors
    /// That none was, or why it cannot go on.
    pub async fn resume(&self) -> Result<SignIn, SignInError> {
        let inner = self.inner.as_ref().ok_or_else(not_here)?;
        inner.resume(self).await
    }

    /// Forgets everything that is kept for this server; true when there was something.
    ///
    /// # Errors
    /// What the system says.
    pub async fn sign_out(&self) -> Result<bool, SignInError> {
        let inner = self.inner.as_ref().ok_or_else(not_here)?;
        inner.sign_out().await
    }

    /// What is kept for this server; none where there is nothing.
    ///
    /// # Errors
    /// What the system says.
    pub fn account(&self) -> Result<Option<Account>, SignInError> {
        match &self.inner {
            Some(inner) => inner.account(),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Some(inner) => write!(f, "Authorizer({:?})", inner.store),
            None => f.write_str("Authorizer(none)"),
        }
    }
}

impl SignInError {
    /// An error without a hint yet.
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: None,
            passes: false,
        }
    }

    /// Adds what to do next.
    #[must_use]
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What follows where it leaves a request without a token: what can be renewed waits, all else takes a person.
    fn verdict(&self, refusal: &str, renews: bool) -> Verdict {
        let why = format!("{refusal}; {}", self.why);
        match self.passes && renews {
            true => Verdict::Later { why },
            false => Verdict::SignIn { why },
        }
    }

    /// The error without these secrets, which a server may have sent back in its own words.
    fn without(mut self, secrets: &Redactor) -> Self {
        self.why = secrets.redact(&self.why).into_owned();
        self
    }
}

/// Runs to its end also when whoever waits for it no longer does: a refresh token is spent by the asking, so the answer must be
/// kept although the call for which it was asked is cancelled. Bounded by the limits of the exchanges. None after a fault of ours.
async fn unbroken<T: Send + 'static>(what: impl Future<Output = T> + Send + 'static) -> Option<T> {
    tokio::spawn(what).await.ok()
}

fn not_here() -> SignInError {
    SignInError::new(
        "there is nothing to sign in to: the server is a program, or the configuration gives its `Authorization` header",
    )
}
