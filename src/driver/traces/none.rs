//! No traces: this program was built without the feature `otel`.

use std::convert::Infallible;

use crate::agent::model::ModelEvent;
use crate::host::{AuditRecord, Host};
use crate::ids::CallId;

/// Where spans and metrics are sent: nowhere, so there is none of it.
#[derive(Debug)]
pub struct Traces {
    never: Infallible,
}

/// A request to the model that is traced: none is.
#[derive(Debug)]
pub struct Asking {
    never: Infallible,
}

impl Traces {
    /// A call was sent, or has ended.
    pub fn record(&mut self, _: &AuditRecord) {
        match self.never {}
    }

    /// Looks at the host after an event.
    pub fn see(&mut self, _: &Host) {
        match self.never {}
    }

    /// The model is asked.
    pub fn asks(&mut self) -> Asking {
        match self.never {}
    }

    /// What a call is to carry, so that its server joins the trace.
    pub fn traceparent(&self, _: CallId) -> Option<String> {
        match self.never {}
    }

    /// Sends what is left.
    pub async fn close(self) {
        match self.never {}
    }
}

impl Asking {
    /// The model has said something.
    pub fn heard(&mut self, _: &ModelEvent) {
        match self.never {}
    }
}

/// None. Says so in the log, where the environment asks for it.
pub fn begin() -> Option<Traces> {
    if super::asked_for() {
        tracing::warn!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this mcpdeck was built without the feature `otel`: nothing is sent"
        );
    }
    None
}
