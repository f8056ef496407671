//! Finds the model by the configuration, the environment and on loopback, and holds it for the streams.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use crate::agent::model::detect::{self, Found};
use crate::agent::model::openai::OpenAi;
use crate::agent::model::recorded::Tape;
use crate::agent::model::script::Script;
use crate::agent::model::{ModelError, ModelErrorKind, ModelEvent, ModelRequest, scripted};
use crate::config::{Config, ModelSettings, Provider};
use crate::host::{HostEvent, ModelLabel, recorded};
use crate::record;

/// How long loopback is searched.
const SEARCH: Duration = Duration::from_millis(500);
/// How long a named endpoint may take to list its models.
const LISTING: Duration = Duration::from_secs(10);
/// What a person can do who has no model.
const NO_MODEL: &str = "Start Ollama, LM Studio or llama.cpp on this machine, or set OPENAI_API_KEY, \
or give --model-url URL; in the terminal program /model looks again.";

/// The model, once there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ModelSlot {
    model: Arc<Mutex<Option<Model>>>,
}

#[derive(Debug, Clone)]
enum Model {
    OpenAi(Arc<OpenAi>),
    Scripted(Arc<Script>),
    Recorded(Arc<Tape>),
}

impl ModelSlot {
    /// Finds the model, holds it, and reports it.
    pub async fn find(self, config: Arc<Config>, events: mpsc::Sender<HostEvent>) {
        let found = match find(&config.model).await {
            Ok((model, label)) => {
                *self.model.lock().unwrap_or_else(PoisonError::into_inner) = Some(model);
                Ok(label)
            }
            Err(why) => Err(why),
        };
        let _gone = events.send(HostEvent::ModelFound(found)).await;
    }

    /// Lets go of the model: nobody is asked any more.
    pub fn clear(&self) {
        *self.model.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The events of one step.
    pub fn stream(
        &self,
        request: ModelRequest,
        first_byte: Duration,
    ) -> BoxStream<'static, ModelEvent> {
        let model = self
            .model
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match model {
            Some(Model::OpenAi(endpoint)) => endpoint.stream(request, first_byte).boxed(),
            Some(Model::Scripted(script)) => scripted::stream(script, request).boxed(),
            Some(Model::Recorded(tape)) => stream::iter(tape.answer(&request)).boxed(),
            None => stream::iter([ModelEvent::Failed(no_model())]).boxed(),
        }
    }
}

async fn find(settings: &ModelSettings) -> Result<(Model, ModelLabel), String> {
    match settings.provider {
        Provider::None => Err("The model is switched off by provider = \"none\"".to_owned()),
        Provider::Scripted => load_script(settings).await,
        Provider::Replay => load_recording(settings).await,
        Provider::Openai => find_endpoint(settings).await,
    }
}

async fn load_script(settings: &ModelSettings) -> Result<(Model, ModelLabel), String> {
    let Some(path) = &settings.script else {
        return Err(
            "[model] provider = \"scripted\" needs `script`, the path of a script".to_owned(),
        );
    };
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| format!("the script {} cannot be read: {error}", path.display()))?;
    let script = Script::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let label = ModelLabel {
        model: "script".to_owned(),
        place: name,
        scripted: true,
        context: None,
        notes: vec![script.opening()],
    };
    Ok((Model::Scripted(Arc::new(script)), label))
}

async fn load_recording(settings: &ModelSettings) -> Result<(Model, ModelLabel), String> {
    let Some(path) = settings.recording.clone() else {
        return Err(
            "[model] provider = \"replay\" needs `recording`, a file that `--record` wrote"
                .to_owned(),
        );
    };
    let shown = path.display().to_string();
    let read = move || record::file::load(&path).and_then(|read| recorded::played(&read));
    let played = tokio::task::spawn_blocking(read).await;
    let played = played.map_err(|error| error.to_string())??;
    if played.tape.is_empty() {
        return Err(format!(
            "in the recording {shown} no model was asked\nGive one of a session with a model."
        ));
    }
    let place = shown.rsplit('/').next().unwrap_or_default().to_owned();
    let label = ModelLabel {
        model: "recording".to_owned(),
        place,
        scripted: true,
        context: played.label.as_ref().and_then(|label| label.context),
        // The same words as then, so that the conversation is the same.
        notes: played.label.map(|label| label.notes).unwrap_or_default(),
    };
    Ok((Model::Recorded(Arc::new(played.tape)), label))
}

async fn find_endpoint(settings: &ModelSettings) -> Result<(Model, ModelLabel), String> {
    let Some(base_url) = settings.base_url.clone() else {
        return search(settings).await;
    };
    let (name, context) = match settings.name.clone() {
        // Listing all models only to learn the context of one would be a request that nobody asked for.
        Some(name) => (name, None),
        None => first_model(settings, &base_url).await?,
    };
    let endpoint = OpenAi::new(settings, &base_url, &name).map_err(sentence)?;
    let label = ModelLabel {
        model: name,
        place: place(&base_url),
        scripted: false,
        context,
        notes: Vec::new(),
    };
    Ok((Model::OpenAi(Arc::new(endpoint)), label))
}

async fn search(settings: &ModelSettings) -> Result<(Model, ModelLabel), String> {
    let survey = detect::survey(&detect::candidates(), SEARCH).await;
    match survey.found {
        Some(found) => local(settings, found),
        None => {
            let seen: String = survey.notes.iter().map(|note| format!(" {note}")).collect();
            Err(format!("No model found.{seen}\n{NO_MODEL}"))
        }
    }
}

fn local(settings: &ModelSettings, found: Found) -> Result<(Model, ModelLabel), String> {
    // What is told is told of the model that was found there.
    let is_it = settings
        .name
        .as_ref()
        .is_none_or(|name| *name == found.model);
    let context = found.context.filter(|_| is_it);
    let model = settings.name.clone().unwrap_or(found.model);
    let endpoint = OpenAi::new(settings, &found.base_url, &model).map_err(sentence)?;
    let place = format!("{} at {}", found.who, place(&found.base_url));
    Ok((
        Model::OpenAi(Arc::new(endpoint)),
        ModelLabel {
            model,
            place,
            scripted: false,
            context,
            notes: found.notes,
        },
    ))
}

async fn first_model(
    settings: &ModelSettings,
    base_url: &str,
) -> Result<(String, Option<u64>), String> {
    let models = detect::models(base_url, settings.api_key.as_ref(), LISTING)
        .await
        .map_err(sentence)?;
    models
        .into_iter()
        .find(|listed| !listed.embedding)
        .map(|listed| (listed.id, listed.context))
        .ok_or_else(|| {
            format!(
                "{} lists no model; give one by --model NAME or `name` in [model]",
                place(base_url)
            )
        })
}

fn sentence(error: ModelError) -> String {
    match error.hint {
        Some(hint) => format!("{}\n{hint}", error.message),
        None => error.message,
    }
}

fn place(base_url: &str) -> String {
    match url::Url::parse(base_url) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => base_url.to_owned(),
        },
        Err(_) => base_url.to_owned(),
    }
}

fn no_model() -> ModelError {
    ModelError {
        kind: ModelErrorKind::Unreachable,
        message: "There is no model to ask".to_owned(),
        hint: Some(NO_MODEL.to_owned()),
        retry_after: None,
    }
}
