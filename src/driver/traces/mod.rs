//! Spans and metrics for an OpenTelemetry collector, where the standard `OTEL_*` variables name one.
//!
//! Impure. `otel` is the real thing, behind the feature `otel`; `none` stands for it in a program that was built without. Both
//! have the same words. Called by `witness`; `begin` by `cli`.

#[cfg(not(feature = "otel"))]
mod none;
#[cfg(feature = "otel")]
mod otel;

#[cfg(not(feature = "otel"))]
pub use none::{Asking, Traces, begin};
#[cfg(feature = "otel")]
pub use otel::{Asking, Traces, begin};

/// Whether the standard variables name a collector, and nothing switches it off.
fn asked_for() -> bool {
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    let named = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ];
    let is_named = named.into_iter().any(|name| !value(name).is_empty());
    is_named && !value("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true")
}
