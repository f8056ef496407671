//! How a server does, in words with a reason: the one judgement that the pane, the model, `status` and the bell go by.
//!
//! Pure. `health` holds the figures, `status` where it stands; this says what they come to. The words hold still while nothing
//! happens: what counts on by itself ("next try in 8 s") is added where they are shown.

use serde::Serialize;

use crate::ids::Moment;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::health::Health;
use crate::mcp::policy::breaker::BreakerState;
use crate::mcp::status::Status;
use crate::text::{clean, human, wrap};

/// Columns of a failure's own words.
const QUOTED: usize = 120;
/// Ends by itself within a quarter of an hour after which a server that is there again is not well.
const ENDS: u64 = 3;

/// The judgement of one server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verdict {
    /// What it comes to.
    pub grade: Grade,
    /// Why: what a change is told by. The figures in the words may differ while this stays.
    pub cause: Cause,
    /// The word with its reason, such as `slow: p95 4.1 s, was 300 ms`; no words of the server's own but where they are quoted.
    pub words: String,
    /// Since when it is so.
    pub since: Moment,
}

/// What a judgement comes to, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing is known yet: it starts, or is switched off.
    #[default]
    Unknown,
    /// All is well.
    Healthy,
    /// It answers later than it did.
    Slow,
    /// Many of its calls fail.
    Failing,
    /// It is not there, or nothing is sent to it.
    Down,
}

/// Why a server is judged as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It starts, and was not there before.
    #[default]
    Starting,
    /// It is switched off.
    Off,
    /// All is well.
    Well,
    /// It answers later than it did.
    Slow,
    /// It leaves a probe unanswered while it works on a call.
    Busy,
    /// Calls come to no answer.
    Failing,
    /// Its tools say that they failed, nearly always.
    Errors,
    /// It keeps ending.
    Unsteady,
    /// Nothing is sent to it, because too much of it was lost.
    Circuit,
    /// It does not answer any more.
    Silent,
    /// A person has to sign in.
    SignIn,
    /// It is not there.
    Down,
}

impl Cause {
    /// What it comes to.
    pub fn grade(self) -> Grade {
        match self {
            Self::Starting | Self::Off => Grade::Unknown,
            Self::Well => Grade::Healthy,
            Self::Slow | Self::Busy => Grade::Slow,
            Self::Failing | Self::Errors | Self::Unsteady => Grade::Failing,
            Self::Circuit | Self::Silent | Self::SignIn | Self::Down => Grade::Down,
        }
    }
}

/// What a judgement goes by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Where the server stands.
    pub status: &'a Status,
    /// Its samples.
    pub health: &'a Health,
    /// Whether calls are let through to it.
    pub breaker: BreakerState,
    /// Whether it works on a call.
    pub busy: bool,
    /// The judgement before: what is ill stays so until it is clearly better.
    pub before: &'a Verdict,
}

/// Judges a server.
pub fn judge(facts: Facts<'_>, now: Moment) -> Verdict {
    let before = facts.before;
    let (cause, words) = match facts.status {
        Status::Disabled => (Cause::Off, "switched off".to_owned()),
        // A server that comes and goes is not news at each dial.
        Status::Starting { .. } if before.grade == Grade::Down => {
            (before.cause, before.words.clone())
        }
        Status::Starting { .. } => (Cause::Starting, "starting".to_owned()),
        Status::Waiting { failure, .. } | Status::Failed { failure } => failed(failure),
        Status::Ready { .. } => ready(facts, now),
    };
    let since = match before.cause == cause {
        true => before.since,
        false => now,
    };
    Verdict {
        grade: cause.grade(),
        cause,
        words,
        since,
    }
}

/// The worst that there is to say of a server that is there.
fn ready(facts: Facts<'_>, now: Moment) -> (Cause, String) {
    let (health, before) = (facts.health, facts.before.cause);
    match facts.breaker {
        BreakerState::Open { .. } => return (Cause::Circuit, "circuit open".to_owned()),
        BreakerState::Probing => {
            return (Cause::Circuit, "circuit open, one try under way".to_owned());
        }
        BreakerState::Closed => {}
    }
    if health.is_silent() && facts.busy {
        let words = "busy: no answer to a probe while a call runs";
        return (Cause::Busy, words.to_owned());
    }
    if health.is_silent() {
        return (Cause::Silent, "not answering".to_owned());
    }
    let was_failing = matches!(before, Cause::Failing | Cause::Errors);
    if let Some(failing) = health.failing(was_failing, now) {
        let count = format!("{} of the last {}", failing.wrong, failing.of);
        return match failing.by_its_word {
            false => (Cause::Failing, format!("failing: {count}")),
            true => (
                Cause::Errors,
                format!("failing: {count} are errors of its tools"),
            ),
        };
    }
    let exits = health.exits_lately(now);
    if exits >= ENDS {
        let words = format!("failing: ended {exits} times in 15 min");
        return (Cause::Unsteady, words);
    }
    if let Some(slow) = health.slowness(before == Cause::Slow, now) {
        let [p95, was] = [slow.now, slow.was].map(human::duration);
        return (Cause::Slow, format!("slow: p95 {p95}, was {was}"));
    }
    (Cause::Well, "healthy".to_owned())
}

fn failed(failure: &Failure) -> (Cause, String) {
    let short = |text: &str| wrap::truncate(&clean::line(text), QUOTED);
    let message = short(&failure.message);
    let words = match failure.kind {
        FailureKind::NeedsSignIn => return (Cause::SignIn, "needs sign-in".to_owned()),
        FailureKind::Exited => stopped(failure, short),
        FailureKind::Stopped => "stopped from here".to_owned(),
        FailureKind::Config => format!("misconfigured: {message}"),
        FailureKind::Spawn => format!("cannot be started: {message}"),
        FailureKind::Timeout => format!("not answering: {message}"),
        FailureKind::Protocol => format!("speaks no MCP: {message}"),
        FailureKind::Network | FailureKind::Http => format!("cannot be reached: {message}"),
    };
    (Cause::Down, words)
}

/// `stopped: exit 1 "DB_URL missing"`
fn stopped(failure: &Failure, short: impl Fn(&str) -> String) -> String {
    let exit = failure.exit.as_deref().map(&short);
    let exit = exit.map(|exit| exit.replacen("exit code ", "exit ", 1));
    let line = failure
        .last_words()
        .map(|line| format!("\"{}\"", short(line.trim())));
    let parts: Vec<String> = exit.into_iter().chain(line).collect();
    match parts.is_empty() {
        true => format!("stopped: {}", short(&failure.message)),
        false => format!("stopped: {}", parts.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mcp::health::Finish;
    use crate::mcp::status::{Era, Hello};

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn ready() -> Status {
        Status::Ready {
            since: at(0),
            hello: Box::new(Hello {
                era: Era::Legacy,
                revision: "2025-11-25".into(),
                name: "s".into(),
                version: "1".into(),
                instructions: None,
                capabilities: serde_json::json!({}),
            }),
        }
    }

    fn words(status: &Status, health: &Health, breaker: BreakerState, busy: bool) -> Verdict {
        let before = Verdict::default();
        let facts = Facts {
            status,
            health,
            breaker,
            busy,
            before: &before,
        };
        judge(facts, at(100))
    }

    #[test]
    fn each_failure_has_its_words() {
        let mut exited = Failure::new(FailureKind::Exited, "the server's process ended");
        exited.exit = Some("exit code 1".into());
        exited.stderr = vec!["reading".into(), "DB_URL missing\u{1b}[2J".into()];
        let cases = [
            (exited, "stopped: exit 1 \"DB_URL missing\"", Cause::Down),
            (
                Failure::new(FailureKind::NeedsSignIn, "HTTP 401"),
                "needs sign-in",
                Cause::SignIn,
            ),
            (
                Failure::new(FailureKind::Timeout, "no word within 30 s"),
                "not answering: no word within 30 s",
                Cause::Down,
            ),
            (
                Failure::new(FailureKind::Exited, "it closed its stdout"),
                "stopped: it closed its stdout",
                Cause::Down,
            ),
        ];
        for (failure, expected, cause) in cases {
            let status = Status::Failed {
                failure: Box::new(failure),
            };
            let verdict = words(&status, &Health::default(), BreakerState::Closed, false);
            assert_eq!((verdict.words.as_str(), verdict.cause), (expected, cause));
            assert_eq!(verdict.grade, Grade::Down);
        }
    }

    #[test]
    fn a_server_that_is_there_is_told_by_the_worst_of_it() {
        let mut health = Health::default();
        health.probe(Duration::from_millis(2), at(1));
        let closed = BreakerState::Closed;
        assert_eq!(words(&ready(), &health, closed, false).words, "healthy");
        let open = BreakerState::Open { until: at(108) };
        let circuit = words(&ready(), &health, open, false);
        assert_eq!(
            (circuit.words.as_str(), circuit.grade),
            ("circuit open", Grade::Down)
        );
        health.missed("no answer".into());
        let silent = words(&ready(), &health, closed, false);
        assert_eq!(
            (silent.words.as_str(), silent.grade),
            ("not answering", Grade::Down)
        );
        let busy = words(&ready(), &health, closed, true);
        assert_eq!((busy.cause, busy.grade), (Cause::Busy, Grade::Slow));
        health.probe(Duration::from_millis(2), at(2));
        for (second, end) in [
            (90, Finish::Lost),
            (91, Finish::Lost),
            (92, Finish::Lost),
            (93, Finish::Good),
        ] {
            health.call("t", Duration::from_millis(5), end, None, at(second));
        }
        let failing = words(&ready(), &health, closed, false);
        assert_eq!(failing.words, "failing: 3 of the last 4");
    }

    #[test]
    fn one_that_keeps_ending_is_not_well_because_it_is_back() {
        let mut health = Health::default();
        (1..=3).for_each(|second| health.exited(at(second)));
        let verdict = words(&ready(), &health, BreakerState::Closed, false);
        assert_eq!(verdict.words, "failing: ended 3 times in 15 min");
    }

    #[test]
    fn a_dial_after_an_end_is_no_news() {
        let failure = Failure::new(FailureKind::Timeout, "no word");
        let down = Status::Failed {
            failure: Box::new(failure),
        };
        let before = words(&down, &Health::default(), BreakerState::Closed, false);
        let status = Status::Starting { since: at(110) };
        let health = Health::default();
        let facts = Facts {
            status: &status,
            health: &health,
            breaker: BreakerState::Closed,
            busy: false,
            before: &before,
        };
        assert_eq!(judge(facts, at(110)), before);
    }
}
