//! Sees what happens and tells those who keep figures: the record of calls, the log, the metrics, the traces.
//!
//! Owned by the driver; `headless` and the terminal's loop show it the host after each event. Changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::driver::audit::Audit;
use crate::driver::metrics::Metrics;
use crate::driver::traces::{Asking, Traces};
use crate::host::{AuditFrame, AuditRecord, Host, HostEvent, ModelState, Server};
use crate::ids::{CallId, ServerName};
use crate::mcp::wire::redact::Redactor;

/// Who is told, and where the record of calls lies.
#[derive(Debug, Default)]
pub struct Records {
    /// The file of the record of calls; absent: nothing is recorded.
    pub audit: Option<PathBuf>,
    /// What no file may hold.
    pub redactor: Arc<Redactor>,
    /// What is counted, where somebody may ask.
    pub metrics: Option<Arc<Metrics>>,
    /// Where spans and metrics are sent.
    pub traces: Option<Traces>,
}

/// Sees what happens.
#[derive(Debug)]
pub struct Witness {
    audit: Option<Audit>,
    metrics: Option<Arc<Metrics>>,
    traces: Option<Traces>,
    servers: BTreeMap<ServerName, Seen>,
    model: Option<bool>,
}

/// What was last said of a server.
#[derive(Debug, PartialEq)]
struct Seen {
    state: &'static str,
    verdict: String,
}

impl Witness {
    pub(in crate::driver) fn new(records: Records, events: mpsc::Sender<HostEvent>) -> Self {
        let redactor = records.redactor;
        Self {
            audit: records.audit.map(|path| Audit::new(path, redactor, events)),
            metrics: records.metrics,
            traces: records.traces,
            servers: BTreeMap::new(),
            model: None,
        }
    }

    /// A call was sent, or has ended.
    pub(in crate::driver) fn record(&mut self, record: &AuditRecord) {
        if let Some(audit) = &mut self.audit {
            audit.record(record);
        }
        if let Some(metrics) = &self.metrics {
            metrics.record(record);
        }
        if let Some(traces) = &mut self.traces {
            traces.record(record);
        }
        let server = record.server.as_ref().map_or("-", ServerName::as_str);
        let (call, tool) = (record.call.0, record.tool.as_str());
        match &record.end {
            None => tracing::debug!(call, server, tool, ruled_by = ?record.ruling.by, "call sent"),
            Some(end) => {
                let (outcome, ms) = (end.outcome.as_str(), end.took.as_millis() as u64);
                let cause = end.why.as_deref().unwrap_or("-");
                match outcome {
                    "ok" => tracing::info!(call, server, tool, outcome, ms, "call ended"),
                    _ => tracing::warn!(call, server, tool, outcome, ms, cause, "call ended"),
                }
            }
        }
    }

    /// The person sends a frame of their own.
    pub(in crate::driver) fn frame(&mut self, frame: &AuditFrame) {
        if let Some(audit) = &mut self.audit {
            audit.frame(frame);
        }
        let method = frame.method.as_deref().unwrap_or("-");
        tracing::info!(server = frame.server.as_str(), method, "frame sent by hand");
    }

    /// What a call is to carry, so that its server joins the trace.
    pub(in crate::driver) fn traceparent(&self, call: CallId) -> Option<String> {
        self.traces.as_ref()?.traceparent(call)
    }

    /// The model is asked.
    pub(in crate::driver) fn asks(&mut self) -> Option<Asking> {
        self.traces.as_mut().map(Traces::asks)
    }

    /// Looks at the host after an event.
    pub fn see(&mut self, host: &Host) {
        for server in &host.servers {
            if self.is_news(server) {
                self.tell(server);
            }
        }
        let has_model = matches!(host.model, ModelState::Ready { .. });
        if self.model.replace(has_model) != Some(has_model) {
            match &host.model {
                ModelState::Ready { label } => {
                    tracing::info!(model = %label.model, place = %label.place, "model ready");
                }
                ModelState::Absent { why } => tracing::warn!(why, "no model"),
                ModelState::Searching { .. } => {}
            }
        }
        if let Some(metrics) = &self.metrics {
            metrics.see(host);
        }
        if let Some(traces) = &mut self.traces {
            traces.see(host);
        }
    }

    fn is_news(&self, server: &Server) -> bool {
        self.servers.get(&server.name).is_none_or(|seen| {
            seen.state != server.status.word() || seen.verdict != server.verdict.words
        })
    }

    fn tell(&mut self, server: &Server) {
        let seen = Seen {
            state: server.status.word(),
            verdict: server.verdict.words.clone(),
        };
        let (name, state, verdict) = (server.name.as_str(), seen.state, seen.verdict.as_str());
        match server.status.failure() {
            Some(failure) => {
                let why = failure.headline();
                tracing::warn!(server = name, state, verdict, why, "server");
            }
            None => tracing::info!(server = name, state, verdict, "server"),
        }
        self.servers.insert(server.name.clone(), seen);
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// What could not be written, and why.
    pub(in crate::driver) async fn close(self) -> Result<(), String> {
        let closed = match self.audit {
            Some(audit) => audit.close().await,
            None => Ok(()),
        };
        if let Some(traces) = self.traces {
            traces.close().await;
        }
        tracing::info!("stopped");
        closed
    }
}
