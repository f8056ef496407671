//! How well a server does, from samples: each finished call and each probe is one.
//!
//! Pure; time comes as an argument. Bounded: the last 100 samples.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// Samples kept for each server.
const WINDOW: usize = 100;

/// The samples of one server and what they come to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Health {
    samples: VecDeque<Sample>,
    /// The last thing that went wrong, as a sentence; kept when later calls are well.
    pub last_error: Option<String>,
    /// Calls finished since the program started.
    pub calls: u64,
    /// How many of them went wrong (`isError` among them).
    pub errors: u64,
}

/// One finished call or probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// From sending to the answer.
    pub took: Duration,
    /// Whether it went well.
    pub ok: bool,
}

impl Health {
    /// Takes in a finished call.
    pub fn call(&mut self, took: Duration, error: Option<String>) {
        self.calls += 1;
        self.errors += u64::from(error.is_some());
        self.push(Sample {
            took,
            ok: error.is_none(),
        });
        if error.is_some() {
            self.last_error = error;
        }
    }

    /// Takes in an answered probe.
    pub fn probe(&mut self, took: Duration) {
        self.push(Sample { took, ok: true });
    }

    fn push(&mut self, sample: Sample) {
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        self.samples.iter()
    }

    /// The latency that this share of the samples (0.0 to 1.0) stays within, by the nearest-rank method; absent without samples.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let mut took: Vec<Duration> = self.samples.iter().map(|sample| sample.took).collect();
        took.sort_unstable();
        let rank = (share * took.len() as f64).ceil() as usize;
        took.get(rank.saturating_sub(1).min(took.len().saturating_sub(1)))
            .copied()
    }

    /// The share of samples that went wrong, 0.0 to 1.0; absent without samples.
    pub fn error_rate(&self) -> Option<f64> {
        let wrong = self.samples.iter().filter(|sample| !sample.ok).count();
        (!self.samples.is_empty()).then(|| wrong as f64 / self.samples.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_follow_the_nearest_rank() {
        let mut health = Health::default();
        assert_eq!(health.percentile(0.5), None);
        (1..=100).for_each(|n| health.call(Duration::from_millis(n), None));
        assert_eq!(health.percentile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(health.percentile(0.95), Some(Duration::from_millis(95)));
        assert_eq!(health.percentile(1.0), Some(Duration::from_millis(100)));
    }

    #[test]
    fn the_window_forgets_and_the_counters_do_not() {
        let mut health = Health::default();
        health.call(Duration::from_secs(9), Some("boom".into()));
        (0..100).for_each(|_| health.call(Duration::from_millis(1), None));
        assert_eq!(health.error_rate(), Some(0.0));
        assert_eq!((health.calls, health.errors), (101, 1));
        assert_eq!(health.last_error.as_deref(), Some("boom"));
    }
}
