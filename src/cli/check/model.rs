//! The model's endpoint, tried: its list of models is asked for, because that costs nothing and needs the key.
//!
//! No model at all is no fault, unless one is configured.

use std::time::Duration;

use super::{Outcome, Tried};
use crate::agent::model::detect;
use crate::agent::model::listing::Listed;
use crate::agent::model::{ModelError, ModelErrorKind};
use crate::config::{ModelSettings, Provider};
use crate::host::ModelState;

/// How long the endpoint may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Names of models in a fix.
const NAMES: usize = 5;

/// What the endpoint's list came to; absent where there is no endpoint to ask.
pub type List = Option<Result<Vec<Listed>, ModelError>>;

/// Asks a configured endpoint for its models.
pub async fn listed(settings: &ModelSettings) -> List {
    if settings.provider != Provider::Openai {
        return None;
    }
    let url = settings.base_url.as_deref()?;
    Some(detect::models(url, settings.api_key.as_ref(), LIMIT).await)
}

/// What the list and the search for a model come to.
pub(super) fn tried(settings: &ModelSettings, state: &ModelState, listed: List) -> Tried {
    let (outcome, what, fix) = match (state, listed) {
        (_, Some(Err(error))) => refused(settings, error),
        (ModelState::Ready { label }, Some(Ok(list))) => {
            let name = &label.model;
            let fits = |listed: &Listed| {
                let tag = listed.id.strip_prefix(name.as_str());
                listed.id == *name || tag.is_some_and(|tag| tag.starts_with(':'))
            };
            let count = list.len();
            match list.iter().any(fits) {
                true => (Outcome::Good, format!("{name} at {}", label.place), None),
                false => {
                    let what = format!(
                        "`{name}` is not among the {count} models that {} lists",
                        label.place
                    );
                    (Outcome::Odd, what, Some(one_of(&list)))
                }
            }
        }
        (ModelState::Ready { label }, None) if label.scripted => {
            let what = format!("no LLM: the script {} plays it", label.place);
            (Outcome::Good, what, None)
        }
        (ModelState::Ready { label }, None) => (
            Outcome::Good,
            format!("{} at {}", label.model, label.place),
            None,
        ),
        (ModelState::Absent { why }, _) => absent(settings, why),
        (ModelState::Searching { .. }, _) => {
            (Outcome::Failed, "it was not found in time".to_owned(), None)
        }
    };
    Tried {
        name: "model".to_owned(),
        outcome,
        what,
        fix,
    }
}

type Found = (Outcome, String, Option<String>);

fn refused(settings: &ModelSettings, error: ModelError) -> Found {
    let ModelError {
        kind,
        message,
        hint,
        ..
    } = error;
    let message = message.trim_end_matches('.').to_owned();
    match kind {
        // A further header may be what it is known by; the list is asked for without it.
        ModelErrorKind::Key if settings.headers.is_empty() => {
            let fix = "set the variable that `api_key_env` in [model] names, or OPENAI_API_KEY";
            (Outcome::Failed, message, Some(fix.to_owned()))
        }
        ModelErrorKind::Unreachable => {
            let fix = "start the endpoint, or correct `base_url` in [model]";
            (Outcome::Failed, message, Some(fix.to_owned()))
        }
        _ => (
            Outcome::Odd,
            format!("{message}; it may answer all the same"),
            hint,
        ),
    }
}

fn one_of(list: &[Listed]) -> String {
    let names = list.iter().filter(|listed| !listed.embedding);
    let names: Vec<&str> = names.take(NAMES).map(|listed| listed.id.as_str()).collect();
    match names.is_empty() {
        true => "get a model there first".to_owned(),
        false => format!("set `name` in [model] to one of them: {}", names.join(", ")),
    }
}

fn absent(settings: &ModelSettings, why: &str) -> Found {
    let (first, rest) = why.split_once('\n').unwrap_or((why, ""));
    let is_played = matches!(settings.provider, Provider::Scripted | Provider::Replay);
    let is_configured = settings.base_url.is_some() || is_played;
    if is_configured {
        let fix = match rest.trim() {
            "" => "correct [model] in mcp.toml".to_owned(),
            rest => rest.to_owned(),
        };
        return (Outcome::Failed, first.to_owned(), Some(fix));
    }
    let what = match settings.provider {
        Provider::None => "switched off",
        Provider::Openai | Provider::Scripted | Provider::Replay => {
            "none is configured, and none runs on this machine"
        }
    };
    (Outcome::Skipped, what.to_owned(), None)
}
