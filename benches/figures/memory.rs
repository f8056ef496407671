//! The resident memory of the demo once its servers are ready and nothing goes on, without the servers' own.

use crate::PROGRAM;
use crate::report::{Row, megabytes};
use crate::terminal::{BASELINE, Running};

/// 30 MB.
const GOAL: u64 = 30_000_000;

/// One row.
pub fn measure() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let own = std::env::current_exe().expect("this program's file");
    let mut baseline = Running::start(&own.to_string_lossy(), &[BASELINE], folder.path());
    baseline.first_frame();
    let mut demo = Running::start(PROGRAM, &["demo"], folder.path());
    demo.shows("two servers that are ready", |screen| {
        screen.matches(" tools").count() >= 2
    });
    let (measured, baseline) = (demo.resident(), baseline.resident());
    vec![Row {
        what: "resident memory, idle".to_owned(),
        measured: megabytes(measured),
        baseline: megabytes(baseline),
        compared: format!("{:.2} x", measured as f64 / baseline as f64),
        goal: format!("< {}", megabytes(GOAL)),
        met: Some(measured < GOAL),
        is_proof: false,
    }]
}
