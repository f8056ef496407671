//! OTLP over HTTP by the semantic conventions for GenAI and MCP: a span for each turn, each request to the model and each call that
//! is sent, and histograms of how long they took.
//!
//! No argument, result, prompt or answer leaves the machine this way: names, durations, counts and sorts of errors alone. The SDK
//! has threads of its own; nothing here waits for a collector but the end of the program, and that not for long.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use opentelemetry::metrics::{Histogram, Meter, MeterProvider as _};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

use crate::agent::model::{ModelEvent, Usage};
use crate::host::{AuditRecord, Host, ModelState};
use crate::ids::CallId;
use crate::mcp::request::Method;
use crate::mcp::status::Status as ServerStatus;
use crate::text::clean;

/// Upper ends of the buckets, in seconds, as the conventions for MCP and GenAI advise them.
const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];
/// The same for tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// How long the end of the program waits for the collector.
const PATIENCE: Duration = Duration::from_secs(3);
/// Characters of a name.
const NAME: usize = 200;

/// Where spans and metrics are sent.
#[derive(Debug)]
pub struct Traces {
    spans: SdkTracerProvider,
    tracer: SdkTracer,
    meters: SdkMeterProvider,
    figures: Figures,
    turn: Option<Context>,
    calls: HashMap<CallId, Span>,
    model: Option<String>,
    revisions: HashMap<String, String>,
}

#[derive(Debug, Clone)]
struct Figures {
    operation: Histogram<f64>,
    asking: Histogram<f64>,
    tokens: Histogram<u64>,
}

/// A request to the model under way; its span ends with its last event, or when it is dropped.
#[derive(Debug)]
pub struct Asking {
    span: Span,
    began: Instant,
    figures: Figures,
    attributes: Vec<KeyValue>,
    over: bool,
}

/// Begins to trace, where the environment asks for it. A collector that cannot be used is said in the log, and costs the traces.
pub fn begin() -> Option<Traces> {
    if !super::asked_for() {
        return None;
    }
    match built() {
        Ok(traces) => {
            tracing::info!("traces and metrics are sent by OTLP");
            Some(traces)
        }
        Err(why) => {
            tracing::warn!(why, "traces and metrics are not sent");
            None
        }
    }
}

fn built() -> Result<Traces, String> {
    let is_off = |name: &str| std::env::var(name).is_ok_and(|word| word == "none");
    let resource = resource();
    let mut spans = SdkTracerProvider::builder().with_resource(resource.clone());
    if !is_off("OTEL_TRACES_EXPORTER") {
        let exporter = SpanExporter::builder().with_http().build();
        spans = spans.with_batch_exporter(exporter.map_err(|error| error.to_string())?);
    }
    let mut meters = SdkMeterProvider::builder().with_resource(resource);
    if !is_off("OTEL_METRICS_EXPORTER") {
        let exporter = MetricExporter::builder().with_http().build();
        meters = meters.with_periodic_exporter(exporter.map_err(|error| error.to_string())?);
    }
    let (spans, meters) = (spans.build(), meters.build());
    Ok(Traces {
        tracer: spans.tracer("mcpdeck"),
        figures: Figures::of(&meters.meter("mcpdeck")),
        spans,
        meters,
        turn: None,
        calls: HashMap::new(),
        model: None,
        revisions: HashMap::new(),
    })
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    let names = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];
    let is_named = names.into_iter().any(|name| {
        std::env::var(name).is_ok_and(|value| {
            !value.is_empty() && (name != names[1] || value.contains("service.name"))
        })
    });
    match is_named {
        true => resource.build(),
        false => resource.with_service_name("mcpdeck").build(),
    }
}

impl Figures {
    fn of(meter: &Meter) -> Self {
        let seconds = |name: &'static str, what: &'static str| {
            let builder = meter.f64_histogram(name).with_unit("s");
            let builder = builder.with_boundaries(SECONDS.to_vec());
            builder.with_description(what).build()
        };
        let tokens = meter.u64_histogram("gen_ai.client.token.usage");
        let tokens = tokens.with_unit("{token}").with_boundaries(TOKENS.to_vec());
        Self {
            operation: seconds(
                "mcp.client.operation.duration",
                "How long a request to an MCP server took",
            ),
            asking: seconds(
                "gen_ai.client.operation.duration",
                "How long a request to the model took",
            ),
            tokens: tokens
                .with_description("Tokens of requests and answers")
                .build(),
        }
    }
}

impl Traces {
    /// A call was sent, or has ended.
    pub fn record(&mut self, record: &AuditRecord) {
        match &record.end {
            None => {
                let span = self.call_span(record);
                self.calls.insert(record.call, span);
            }
            Some(end) => {
                let Some(mut span) = self.calls.remove(&record.call) else {
                    return;
                };
                let mut attributes = attributes(record);
                if let Some(error) = &end.error {
                    let error = KeyValue::new("error.type", error.clone());
                    span.set_attribute(error.clone());
                    span.set_status(Status::error(end.outcome.clone()));
                    attributes.push(error);
                }
                span.end();
                let took = end.took.as_secs_f64();
                self.figures.operation.record(took, &attributes);
            }
        }
    }

    /// `{mcp.method.name} {gen_ai.tool.name}`, as a child of the turn where the model made it.
    fn call_span(&self, record: &AuditRecord) -> Span {
        let target = match record.method {
            Method::Tool | Method::Prompt => format!(" {}", name(&record.tool)),
            // A URI would make a name of each resource.
            Method::Resource => String::new(),
        };
        let mut attributes = attributes(record);
        let server = record.server.as_ref().map_or("", |server| server.as_str());
        attributes.push(KeyValue::new("mcpdeck.server.name", name(server)));
        attributes.push(KeyValue::new("mcpdeck.call", record.call.0 as i64));
        if let Some(revision) = self.revisions.get(server) {
            let revision = KeyValue::new("mcp.protocol.version", revision.clone());
            attributes.push(revision);
        }
        let span = SpanBuilder::from_name(format!("{}{target}", record.method.wire()))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let parent = self.turn.clone().filter(|_| record.by_model);
        span.start_with_context(&self.tracer, &parent.unwrap_or_default())
    }

    /// Looks at the host after an event: a turn that is over ends its span.
    pub fn see(&mut self, host: &Host) {
        if let ModelState::Ready { label } = &host.model
            && self.model.as_deref() != Some(label.model.as_str())
        {
            self.model = Some(name(&label.model));
        }
        for server in &host.servers {
            if let ServerStatus::Ready { hello, .. } = &server.status {
                let known = self.revisions.get(server.name.as_str());
                if known.is_none_or(|revision| *revision != hello.revision) {
                    let revision = name(&hello.revision);
                    self.revisions.insert(server.name.to_string(), revision);
                }
            }
        }
        if !host.is_busy()
            && let Some(turn) = self.turn.take()
        {
            turn.span().end();
        }
    }

    /// The model is asked; the first request of a turn begins the turn's span.
    pub fn asks(&mut self) -> Asking {
        let turn = self.turn.get_or_insert_with(|| {
            let span = SpanBuilder::from_name("invoke_agent mcpdeck")
                .with_kind(SpanKind::Internal)
                .with_attributes([
                    KeyValue::new("gen_ai.operation.name", "invoke_agent"),
                    KeyValue::new("gen_ai.agent.name", "mcpdeck"),
                ]);
            let span = span.start_with_context(&self.tracer, &Context::new());
            Context::new().with_span(span)
        });
        let model = self.model.clone().unwrap_or_default();
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.provider.name", "openai"),
            KeyValue::new("gen_ai.request.model", model.clone()),
        ];
        let span = SpanBuilder::from_name(format!("chat {model}").trim_end().to_owned())
            .with_kind(SpanKind::Client)
            .with_attributes(attributes.clone());
        Asking {
            span: span.start_with_context(&self.tracer, turn),
            began: Instant::now(),
            figures: self.figures.clone(),
            attributes,
            over: false,
        }
    }

    /// What a call is to carry, so that its server joins the trace.
    pub fn traceparent(&self, call: CallId) -> Option<String> {
        let context = self.calls.get(&call)?.span_context();
        context.is_valid().then(|| traceparent(context))
    }

    /// Sends what is left.
    pub async fn close(mut self) {
        self.calls.clear();
        if let Some(turn) = self.turn.take() {
            turn.span().end();
        }
        // The SDK waits for its threads.
        let closing = tokio::task::spawn_blocking(move || {
            let closed = self.spans.shutdown_with_timeout(PATIENCE);
            closed.and(self.meters.shutdown_with_timeout(PATIENCE))
        });
        match tokio::time::timeout(PATIENCE * 2, closing).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "not all traces and metrics were sent"),
            Ok(Err(_)) | Err(_) => tracing::warn!("not all traces and metrics were sent"),
        }
    }
}

impl Asking {
    /// The model has said something.
    pub fn heard(&mut self, event: &ModelEvent) {
        match event {
            ModelEvent::Done(done) => self.end(done.usage, None),
            ModelEvent::Failed(error) => {
                let kind = format!("{:?}", error.kind).to_lowercase();
                self.end(None, Some(kind));
            }
            _ => {}
        }
    }

    fn end(&mut self, usage: Option<Usage>, error: Option<String>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let mut attributes = std::mem::take(&mut self.attributes);
        if let Some(usage) = usage {
            for (kind, attribute, count) in [
                ("input", "gen_ai.usage.input_tokens", usage.prompt),
                ("output", "gen_ai.usage.output_tokens", usage.completion),
            ] {
                let of = KeyValue::new(attribute, i64::try_from(count).unwrap_or(i64::MAX));
                self.span.set_attribute(of);
                let mut labels = attributes.clone();
                labels.push(KeyValue::new("gen_ai.token.type", kind));
                self.figures.tokens.record(count, &labels);
            }
        }
        if let Some(error) = error {
            let kind = KeyValue::new("error.type", error.clone());
            self.span.set_attribute(kind.clone());
            self.span.set_status(Status::error(error));
            attributes.push(kind);
        }
        self.span.end();
        let took = self.began.elapsed().as_secs_f64();
        self.figures.asking.record(took, &attributes);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.end(None, Some("aborted".to_owned()));
    }
}

/// What is said of a call in its span and in the histogram: of bounded number.
fn attributes(record: &AuditRecord) -> Vec<KeyValue> {
    let mut all = vec![KeyValue::new("mcp.method.name", record.method.wire())];
    match record.method {
        Method::Tool => {
            all.push(KeyValue::new("gen_ai.tool.name", name(&record.tool)));
            all.push(KeyValue::new("gen_ai.operation.name", "execute_tool"));
        }
        Method::Prompt => all.push(KeyValue::new("gen_ai.prompt.name", name(&record.tool))),
        Method::Resource => {}
    }
    all
}

/// W3C's form: version, trace, parent, flags.
fn traceparent(context: &SpanContext) -> String {
    let (trace, span) = (context.trace_id(), context.span_id());
    format!(
        "00-{trace:032x}-{span:016x}-{:02x}",
        context.trace_flags().to_u8() & 1
    )
}

/// A foreign name: one short line.
fn name(text: &str) -> String {
    clean::line(text).chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_call_carries_is_always_in_the_form_of_w3c(trace in 1_u128.., span in 1_u64.., flags in any::<u8>()) {
            let (trace, span) = (TraceId::from(trace), SpanId::from(span));
            let context = SpanContext::new(trace, span, TraceFlags::new(flags), false, TraceState::default());
            let text = traceparent(&context);
            let parts: Vec<&str> = text.split('-').collect();
            prop_assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
            let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f' | '-');
            prop_assert!(text.chars().all(is_hex), "{}", text);
            prop_assert_eq!(u128::from_str_radix(parts[1], 16).ok(), Some(u128::from_be_bytes(trace.to_bytes())));
        }
    }
}
