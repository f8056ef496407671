//! Spans and metrics for an OpenTelemetry collector: nothing, in a program that was built without the feature `otel`.
//!
//! Impure. `otel` is the real thing, behind the feature; called by `witness`.

/// Where spans and metrics are sent.
#[derive(Debug)]
pub struct Traces {
    never: std::convert::Infallible,
}

impl Traces {
    /// A call was sent, or has ended.
    pub fn record(&mut self, _: &crate::host::AuditRecord) {
        match self.never {}
    }

    /// What a call is to carry, so that its server joins the trace.
    pub fn traceparent(&self, _: crate::ids::CallId) -> Option<String> {
        match self.never {}
    }

    /// Sends what is left.
    pub async fn close(self) {
        match self.never {}
    }
}

/// None: this program was built without the feature `otel`. Says so in the log, where the environment asks for it.
///
/// # Errors
/// Never.
pub fn from_environment() -> Result<Option<Traces>, String> {
    if asked_for() {
        tracing::warn!(
            "an OTEL_EXPORTER_OTLP_ENDPOINT is set, and this mcpdeck was built without the feature `otel`: nothing is sent"
        );
    }
    Ok(None)
}

/// Whether the standard variables name a collector.
pub fn asked_for() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is = |name: &str, word: &str| {
        std::env::var(name).is_ok_and(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let named = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ];
    named.into_iter().any(is_set) && !is("OTEL_SDK_DISABLED", "true")
}
