//! The table, and the arithmetic on samples.

use std::time::Duration;

/// One line of the table.
pub struct Row {
    pub what: String,
    pub measured: String,
    pub baseline: String,
    pub compared: String,
    pub goal: String,
    /// Whether the goal is met; nothing where there is none.
    pub met: Option<bool>,
    /// Whether the run fails when the goal is not met.
    pub is_proof: bool,
}

impl Row {
    /// A time beside a baseline's, with a goal for their quotient.
    pub fn quotient(what: &str, measured: Duration, baseline: Duration, goal: f64) -> Self {
        let quotient = measured.as_secs_f64() / baseline.as_secs_f64();
        Self {
            what: what.to_owned(),
            measured: time(measured),
            baseline: time(baseline),
            compared: format!("{quotient:.2} x"),
            goal: format!("<= {goal} x"),
            met: Some(quotient <= goal),
            is_proof: false,
        }
    }

    /// A time with a goal of its own, and a baseline to see what the machine can do.
    pub fn within(
        what: &str,
        measured: Duration,
        baseline: Duration,
        goal: Option<Duration>,
    ) -> Self {
        let quotient = measured.as_secs_f64() / baseline.as_secs_f64();
        Self {
            what: what.to_owned(),
            measured: time(measured),
            baseline: time(baseline),
            compared: format!("{quotient:.2} x"),
            goal: goal.map_or_else(String::new, |goal| format!("<= {}", time(goal))),
            met: goal.map(|goal| measured <= goal),
            is_proof: false,
        }
    }

    /// So many a second beside a baseline's, with a goal for how many times as many.
    pub fn rate(what: &str, measured: f64, baseline: f64, goal: f64) -> Self {
        let quotient = measured / baseline;
        Self {
            what: what.to_owned(),
            measured: format!("{measured:.0} /s"),
            baseline: format!("{baseline:.0} /s"),
            compared: format!("{quotient:.2} x"),
            goal: format!(">= {goal} x"),
            met: Some(quotient >= goal),
            is_proof: false,
        }
    }

    /// Bytes beside a baseline's, with a goal for their quotient.
    pub fn memory(what: &str, measured: u64, baseline: u64, goal: f64) -> Self {
        let quotient = measured as f64 / baseline as f64;
        Self {
            what: what.to_owned(),
            measured: megabytes(measured),
            baseline: megabytes(baseline),
            compared: format!("{quotient:.2} x"),
            goal: format!("<= {goal} x"),
            met: Some(quotient <= goal),
            is_proof: false,
        }
    }
}

/// Bytes for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// The samples in order, for [`at`].
pub fn sorted(mut samples: Vec<Duration>) -> Vec<Duration> {
    samples.sort();
    samples
}

/// The sample below which this share of all lies; the samples are in order.
pub fn at(samples: &[Duration], share: f64) -> Duration {
    let last = samples.len().saturating_sub(1);
    samples[((last as f64) * share).round() as usize]
}

/// The middle one.
pub fn median(samples: Vec<Duration>) -> Duration {
    at(&sorted(samples), 0.5)
}

fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 {
        format!("{micros:.1} us")
    } else {
        format!("{:.2} ms", micros / 1e3)
    }
}

/// The rows as a table; the last column says how each goal fares.
pub fn table(rows: &[Row]) -> String {
    let head = ["", "mcpdeck", "baseline", "", "goal", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            let verdict = match row.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            [
                row.what.clone(),
                row.measured.clone(),
                row.baseline.clone(),
                row.compared.clone(),
                row.goal.clone(),
                verdict.to_owned(),
            ]
        }))
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    lines
        .iter()
        .map(|line| {
            let mut text = format!("{:<1$}", line[0], widths[0]);
            for (cell, width) in line[1..5].iter().zip(&widths[1..]) {
                text += &format!("  {cell:>0$}", *width);
            }
            (text + "  " + &line[5]).trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}
