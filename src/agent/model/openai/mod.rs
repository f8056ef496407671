//! The adapter for any endpoint that speaks OpenAI's Chat Completions: the only door to `async_openai`.
//!
//! Impure. It sends, and makes events of what comes; whether to send again is for the turn to decide. The one exception: when a 400 complains
//! about a part of the request that is ours to leave out (`stream_options`, `max_tokens` against `max_completion_tokens`,
//! `temperature`), the request goes again without it, before anything was shown, and the endpoint's taste is remembered.
//! The pieces are pure: `encode` (body), `failure` (sentences), `notes` (doubts); `service` and `config` sit below async-openai.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::error::{OpenAIError, StreamError};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::Value;

use crate::agent::model::assemble::Assembler;
use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::agent::model::event::ModelEvent;
use crate::agent::model::http::{cause, http_client, is_loopback};
use crate::agent::model::request::ModelRequest;
use crate::config::ModelSettings;

mod config;
mod encode;
mod failure;
mod notes;
mod service;

use config::Endpoint;
use encode::Shape;
use failure::{Asked, Refusal};
use service::Watch;

type Chunks = BoxStream<'static, Result<Value, OpenAIError>>;

/// One endpoint and one model there.
#[derive(Debug, Clone)]
pub struct OpenAi {
    endpoint: Endpoint,
    http: reqwest::Client,
    asked: Asked,
    shape: Arc<Mutex<Shape>>,
}

impl OpenAi {
    /// Checks URL, key and headers; sends nothing.
    pub fn new(settings: &ModelSettings, base_url: &str, model: &str) -> Result<Self, ModelError> {
        let endpoint = Endpoint::new(settings, base_url)?;
        let local = is_loopback(endpoint.base());
        let http = http_client(local).map_err(|why| {
            failure::error(
                ModelErrorKind::Request,
                format!("The HTTP client for {base_url} cannot be made: {why}."),
                "Check the certificates and the proxy settings of this machine.",
            )
        })?;
        let asked = Asked {
            base_url: endpoint.base().to_owned(),
            model: model.to_owned(),
            local,
            has_key: endpoint.has_key(),
        };
        let shape = Shape {
            model: model.to_owned(),
            max_tokens: settings.max_tokens,
            temperature: settings.temperature,
            takes_temperature: true,
            usage: true,
            completion_tokens: false,
        };
        Ok(Self {
            endpoint,
            http,
            asked,
            shape: Arc::new(Mutex::new(shape)),
        })
    }

    /// Sends one request. `first_byte` limits the wait for the first byte and then each further silence. Dropping the stream
    /// closes the connection, by which endpoints know to stop.
    pub fn stream(
        &self,
        request: ModelRequest,
        first_byte: Duration,
    ) -> impl Stream<Item = ModelEvent> + Send + 'static {
        let exchange = Exchange {
            adapter: self.clone(),
            limit: first_byte,
            body: Value::Null,
            watch: Arc::default(),
            stage: Stage::Unsent,
            assembler: Assembler::new(&request),
            request,
        };
        stream::unfold(exchange, |mut exchange| async move {
            let events = exchange.next().await?;
            Some((stream::iter(events), exchange))
        })
        .flatten()
    }

    fn shape(&self) -> Shape {
        self.shape
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn remember(&self, shape: Shape) {
        *self.shape.lock().unwrap_or_else(PoisonError::into_inner) = shape;
    }

    async fn open(&self, body: &Value, watch: Arc<Watch>) -> Result<Chunks, OpenAIError> {
        let http = self.http.clone();
        let client = Client::build(self.http.clone(), self.endpoint.clone()).with_http_service(
            tower::service_fn(move |factory| {
                service::exchange(http.clone(), watch.clone(), factory)
            }),
        );
        client.chat().create_stream_byot::<_, Value>(body).await
    }

    fn error(&self, error: &OpenAIError) -> ModelError {
        match error {
            OpenAIError::Boxed(inner) => match inner.downcast_ref::<Refusal>() {
                Some(refusal) => self.asked.refused(refusal),
                None => self.asked.unreachable(&cause(inner.as_ref())),
            },
            OpenAIError::Reqwest(inner) => self.asked.unreachable(&cause(inner)),
            other => self.asked.malformed(&other.to_string()),
        }
    }
}

/// A request on its way.
struct Exchange {
    adapter: OpenAi,
    request: ModelRequest,
    limit: Duration,
    body: Value,
    watch: Arc<Watch>,
    assembler: Assembler,
    stage: Stage,
}

enum Stage {
    Unsent,
    Open(Chunks),
    Over,
}

impl Exchange {
    /// The next events; `None` after the last.
    async fn next(&mut self) -> Option<Vec<ModelEvent>> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let events = match stage {
            Stage::Unsent => match self.send().await {
                Ok(chunks) => {
                    self.stage = Stage::Open(chunks);
                    vec![ModelEvent::Opened]
                }
                Err(error) => vec![ModelEvent::Failed(error)],
            },
            Stage::Open(chunks) => self.advance(chunks).await,
            Stage::Over => return None,
        };
        Some(events)
    }

    async fn send(&mut self) -> Result<Chunks, ModelError> {
        loop {
            let mut shape = self.adapter.shape();
            self.body = encode::body(&self.request, &shape);
            self.watch = Arc::default();
            let opening = self.adapter.open(&self.body, self.watch.clone());
            let opened = tokio::time::timeout(self.limit, opening)
                .await
                .map_err(|_| self.adapter.asked.silent(self.limit))?;
            match opened {
                Ok(chunks) => return Ok(chunks),
                Err(error) if shape.give_way(&complaint(&error)) => self.adapter.remember(shape),
                Err(error) => return Err(self.adapter.error(&error)),
            }
        }
    }

    async fn advance(&mut self, mut chunks: Chunks) -> Vec<ModelEvent> {
        match self.item(&mut chunks).await {
            Err(error) => vec![ModelEvent::Failed(error)],
            Ok(None) => self.end(),
            Ok(Some(Ok(chunk))) => match self.assembler.chunk(&chunk) {
                Ok(mut events) if self.assembler.is_full() => {
                    events.extend(self.end());
                    events
                }
                Ok(events) => {
                    self.stage = Stage::Open(chunks);
                    events
                }
                Err(error) => vec![ModelEvent::Failed(
                    self.adapter.asked.streamed(&error.error),
                )],
            },
            Ok(Some(Err(error))) => {
                vec![ModelEvent::Failed(self.broken(&error, &mut chunks).await)]
            }
        }
    }

    /// The next chunk. The limit is one of silence on the wire: comments that keep the connection alive count as life.
    async fn item(
        &mut self,
        chunks: &mut Chunks,
    ) -> Result<Option<Result<Value, OpenAIError>>, ModelError> {
        loop {
            let before = self.watch.bytes();
            match tokio::time::timeout(self.limit, chunks.next()).await {
                Ok(item) => return Ok(item),
                Err(_) if self.watch.bytes() > before => {}
                Err(_) if before == 0 => return Err(self.adapter.asked.silent(self.limit)),
                Err(_) => {
                    let why = format!("nothing came for {} s", self.limit.as_secs_f32());
                    return Err(self.adapter.asked.cut(&why));
                }
            }
        }
    }

    /// An event that cannot be read is an error of the protocol in the middle, and a cut at the end.
    async fn broken(&mut self, error: &OpenAIError, chunks: &mut Chunks) -> ModelError {
        match error {
            OpenAIError::StreamError(inner) => {
                let StreamError::EventStream(why) = inner.as_ref() else {
                    return self.adapter.asked.malformed(&inner.to_string());
                };
                let ours = self.watch.broken_off();
                self.adapter.asked.cut(ours.as_deref().unwrap_or(why))
            }
            OpenAIError::JSONDeserialize(_, content) => match self.item(chunks).await {
                Ok(None) => self.adapter.asked.cut("its last event is incomplete"),
                Ok(Some(_)) | Err(_) => self.adapter.asked.malformed(content),
            },
            other => self.adapter.error(other),
        }
    }

    fn end(&mut self) -> Vec<ModelEvent> {
        let assembler = self.assembler.clone();
        match assembler.end(self.watch.closed()) {
            Ok(mut events) => {
                if let Some(ModelEvent::Done(done)) = events.last_mut()
                    && let Some(usage) = done.usage
                {
                    done.notes.extend(notes::doubts(&self.body, usage));
                }
                events
            }
            Err(incomplete) => {
                let why = if incomplete.anything {
                    "no reason to stop was given"
                } else {
                    "it brought no answer"
                };
                vec![ModelEvent::Failed(self.adapter.asked.cut(why))]
            }
        }
    }
}

/// What a 400 says, if it is one.
fn complaint(error: &OpenAIError) -> String {
    match error {
        OpenAIError::Boxed(inner) => inner
            .downcast_ref::<Refusal>()
            .filter(|refusal| matches!(refusal.status, 400 | 422))
            .map_or_else(String::new, |refusal| refusal.body.clone()),
        _ => String::new(),
    }
}
