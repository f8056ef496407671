//! Where requests go and what they carry, for async-openai.
//!
//! Its own configuration reads four variables of the environment, sends an empty bearer, and panics on a key with a line break;
//! this one does none of that. Nothing here reads the environment.

use async_openai::config::Config;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::failure::error;
use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::config::ModelSettings;

/// Base URL and headers of one endpoint.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    base: String,
    headers: HeaderMap,
    no_key: SecretString,
}

impl Endpoint {
    /// Checks the base URL, the key and the further headers.
    pub(super) fn new(settings: &ModelSettings, base_url: &str) -> Result<Self, ModelError> {
        let base = base_url.trim().trim_end_matches('/').to_owned();
        let parsed = url::Url::parse(&base).ok();
        if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(error(
                ModelErrorKind::Request,
                format!("`{base_url}` is no base URL of a model endpoint."),
                "Write it with its scheme, such as `http://127.0.0.1:11434/v1`.",
            ));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = settings
            .api_key
            .as_ref()
            .map(|key| key.expose().trim())
            .filter(|key| !key.is_empty())
        {
            let value = format!("Bearer {key}");
            headers.insert(
                AUTHORIZATION,
                secret(&value).ok_or_else(|| unfit("The key"))?,
            );
        }
        for (name, value) in &settings.headers {
            let value = secret(value.expose().trim());
            let name_of = HeaderName::from_bytes(name.trim().as_bytes()).ok();
            let (Some(name_of), Some(value)) = (name_of, value) else {
                return Err(unfit(&format!("The header `{name}` of `[model]`")));
            };
            headers.insert(name_of, value);
        }
        Ok(Self {
            base,
            headers,
            no_key: SecretString::from(String::new()),
        })
    }

    /// The base URL without a slash at its end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether requests carry a key.
    pub(super) fn has_key(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn unfit(what: &str) -> ModelError {
    error(
        ModelErrorKind::Key,
        format!("{what} has a line break or another character that a header cannot carry."),
        "Set it again; often only its end was pasted with a line break in the middle.",
    )
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.no_key
    }
}
