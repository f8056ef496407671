//! Samples and verdicts: what counts as a server's time, when it is asked whether it lives, and who is told of a change.

use std::time::Duration;

use mcpdeck::host::{Answer, Command, Effect, HostEvent, ProcessUse, Settings};
use mcpdeck::ids::{AskId, CallId, TimerId};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};
use mcpdeck::mcp::verdict::{Cause, Grade, Verdict};
use serde_json::json;

use crate::stage::*;

fn by_hand(stage: &mut Stage) -> u64 {
    let arguments = path(&stage.host.calls.len().to_string());
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments,
    });
    stage.host.calls.last().expect("a call").id.0
}

fn wait(stage: &mut Stage, millis: u64) {
    stage.now = stage.now.plus(Duration::from_millis(millis));
}

fn verdict(stage: &Stage) -> &Verdict {
    &stage.host.server(&"other".into()).unwrap().verdict
}

fn words(stage: &Stage) -> &str {
    &verdict(stage).words
}

/// A call that takes so long.
fn call_taking(stage: &mut Stage, millis: u64, outcome: CallOutcome) -> Vec<Effect> {
    let id = by_hand(stage);
    wait(stage, millis);
    stage.outcome(id, outcome)
}

fn lost() -> CallOutcome {
    CallOutcome::Unreadable { why: "torn".into() }
}

fn asks(stage: &mut Stage, ask: u64, call: Option<u64>, what: Ask) {
    let event = ServerEvent::Asked {
        ask: AskId(ask),
        call: call.map(CallId),
        what,
    };
    stage.server("other", event);
}

fn form() -> Ask {
    Ask::Form {
        message: "who?".into(),
        schema: json!({"type": "object", "properties": {}}),
    }
}

fn answer(stage: &mut Stage) {
    let id = stage.host.questions.front().expect("a question").id;
    stage.command(Command::Answer(id, Answer::Once));
}

/// The latency of the last call, to the tenth of a second.
fn tenths(stage: &Stage) -> u128 {
    let health = &stage.host.server(&"other".into()).unwrap().health;
    let last = health.samples().next_back().expect("a sample");
    last.took.as_millis() / 100
}

#[test]
fn the_time_in_which_a_person_answers_is_not_the_servers() {
    let mut stage = Stage::ready();
    let id = by_hand(&mut stage);
    wait(&mut stage, 200);
    asks(&mut stage, 1, Some(id), form());
    wait(&mut stage, 30_000);
    answer(&mut stage);
    wait(&mut stage, 300);
    asks(&mut stage, 2, None, form());
    wait(&mut stage, 60_000);
    answer(&mut stage);
    wait(&mut stage, 100);
    stage.outcome(id, answered("x"));
    assert_eq!(tenths(&stage), 6);
    // The person sees the whole of it.
    assert_eq!(stage.call(id).elapsed(stage.now).as_secs(), 90);
    // The control: the same time without a question is the server's.
    call_taking(&mut stage, 30_000, answered("x"));
    assert_eq!(tenths(&stage), 300);
}

#[test]
fn a_call_that_ends_while_its_question_is_open_took_what_it_took_before() {
    let mut stage = Stage::ready();
    let (id, other) = (by_hand(&mut stage), by_hand(&mut stage));
    wait(&mut stage, 400);
    asks(&mut stage, 1, Some(id), form());
    wait(&mut stage, 60_000);
    stage.outcome(id, lost());
    assert_eq!(tenths(&stage), 4);
    stage.outcome(other, answered("x"));
    assert_eq!(tenths(&stage), 604, "another call is not held by it");
}

#[test]
fn the_time_at_a_url_is_the_persons_until_the_server_says_that_it_is_done() {
    let mut stage = Stage::ready();
    let id = by_hand(&mut stage);
    let url = Ask::Url {
        message: "sign here".into(),
        url: "https://example.org/x".into(),
        id: Some("u1".into()),
    };
    asks(&mut stage, 1, Some(id), url);
    answer(&mut stage);
    wait(&mut stage, 120_000);
    stage.server("other", ServerEvent::UrlDone { id: "u1".into() });
    wait(&mut stage, 700);
    stage.outcome(id, answered("x"));
    assert_eq!(tenths(&stage), 7);
}

/// Lets the next probe come and be answered; gives the wait for the one after it.
fn probed(stage: &mut Stage, timer: (TimerId, Duration)) -> (TimerId, Duration) {
    stage.now = stage.now.plus(timer.1);
    let effects = stage.tell(HostEvent::Timer(timer.0));
    assert!(matches!(effects[..], [Effect::Probe { .. }]), "{effects:?}");
    let effects = stage.server("other", ServerEvent::Probed { millis: Some(2) });
    timers(&effects)[0]
}

#[test]
fn probes_come_later_and_later_while_nobody_calls_and_soon_again_when_somebody_does() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let mut timer = timers(&stage.raise("other"))[0];
    let mut waits = vec![timer.1.as_secs()];
    for _ in 0..6 {
        timer = probed(&mut stage, timer);
        waits.push(timer.1.as_secs());
    }
    assert_eq!(waits, [2, 30, 60, 120, 240, 300, 300]);
    let effects = call_taking(&mut stage, 10, answered("x"));
    let soon = timers(&effects)[0];
    assert_eq!(soon.1.as_secs(), 30);
    // The one that was planned before is not wanted any more.
    assert_eq!(stage.tell(HostEvent::Timer(timer.0)), []);
    // A further call changes nothing about it.
    assert_eq!(call_taking(&mut stage, 10, answered("x")), []);
    let after = probed(&mut stage, soon);
    assert_eq!(after.1.as_secs(), 30, "there were calls");
    assert_eq!(probed(&mut stage, after).1.as_secs(), 60);
}

#[test]
fn a_sleep_of_the_machine_leaves_one_chain_of_probes() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let planned = timers(&stage.raise("other"))[0];
    let slept = Duration::from_secs(60);
    stage.tell(HostEvent::Woke { slept });
    let effects = stage.server("other", ServerEvent::Probed { millis: Some(2) });
    assert_eq!(timers(&effects).len(), 1);
    assert_eq!(stage.tell(HostEvent::Timer(planned.0)), []);
}

#[test]
fn a_server_that_hangs_is_not_healthy_and_the_model_is_told_once() {
    let mut stage = Stage::ready();
    stage.server("other", ServerEvent::Probed { millis: Some(2) });
    assert_eq!(
        (verdict(&stage).grade, words(&stage)),
        (Grade::Healthy, "healthy")
    );
    stage.command(Command::Probe("other".into()));
    wait(&mut stage, 10_000);
    stage.server("other", ServerEvent::Probed { millis: None });
    assert_eq!(
        (verdict(&stage).grade, words(&stage)),
        (Grade::Down, "not answering")
    );
    let server = stage.host.server(&"other".into()).unwrap();
    assert_eq!(
        server.verdict_words(stage.now),
        "not answering, last answer 10 s ago"
    );
    let told = last_user(&request(&stage.submit("hi")));
    assert!(
        told.contains("Not available now: server `other` does not answer any more."),
        "{told}"
    );
    // An answer, also one of a tool that failed, proves that it lives.
    let error = CallOutcome::Answered {
        result: ToolResult {
            is_error: true,
            ..ToolResult::text("no")
        }
        .into(),
    };
    stage.command(Command::Interrupt);
    call_taking(&mut stage, 5, error);
    assert_eq!(words(&stage), "healthy");
    let told = last_user(&request(&stage.submit("and now?")));
    assert!(told.ends_with("All servers are available now."), "{told}");
}

#[test]
fn one_that_is_at_work_and_answers_no_probe_is_busy() {
    let mut stage = Stage::ready();
    stage.server("other", ServerEvent::Probed { millis: Some(2) });
    let id = by_hand(&mut stage);
    stage.server("other", ServerEvent::Probed { millis: None });
    assert_eq!(
        (verdict(&stage).cause, verdict(&stage).grade),
        (Cause::Busy, Grade::Slow)
    );
    stage.outcome(id, answered("x"));
    assert_eq!(verdict(&stage).cause, Cause::Well);
}

#[test]
fn calls_that_come_to_no_answer_are_failing_and_the_figures_are_no_news_to_the_model() {
    let mut stage = Stage::ready();
    // Never five in a row, which would open the circuit.
    for is_lost in "-LLL-LLL--".chars().map(|c| c == 'L') {
        let outcome = if is_lost { lost() } else { answered("x") };
        call_taking(&mut stage, 5, outcome);
    }
    assert_eq!(words(&stage), "failing: 6 of the last 10");
    let since = verdict(&stage).since;
    let asked = stage.submit("hi");
    let told = last_user(&request(&asked));
    assert!(
        told.contains("There, but not well: many calls to server `other` come to no answer."),
        "{told}"
    );
    stage.command(Command::Interrupt);
    call_taking(&mut stage, 5, lost());
    assert_eq!(words(&stage), "failing: 7 of the last 10");
    assert_eq!(verdict(&stage).since, since);
    let told = last_user(&request(&stage.submit("again")));
    assert!(told.ends_with("again"), "{told}");
    stage.command(Command::Interrupt);
    (0..3).for_each(|_| drop(call_taking(&mut stage, 5, answered("x"))));
    assert_eq!(words(&stage), "healthy");
}

#[test]
fn an_open_circuit_is_told_with_the_time_that_is_left_and_a_probe_that_closes_it_is_a_sample() {
    let mut stage = Stage::ready();
    let mut effects = Vec::new();
    (0..5).for_each(|_| effects = call_taking(&mut stage, 5, lost()));
    assert_eq!(
        (words(&stage), verdict(&stage).cause),
        ("circuit open", Cause::Circuit)
    );
    let server = stage.host.server(&"other".into()).unwrap();
    let running = server.verdict_words(stage.now);
    assert_eq!(running, "circuit open, next try in 5 s");
    let told = last_user(&request(&stage.submit("hi")));
    assert!(
        told.contains("server `other` gets no calls for a while"),
        "{told}"
    );
    stage.command(Command::Interrupt);
    let five = |timer: &&(TimerId, Duration)| timer.1 == Duration::from_secs(5);
    let (timer, wait) = *timers(&effects).iter().find(five).expect("its timer");
    stage.now = stage.now.plus(wait);
    let effects = stage.tell(HostEvent::Timer(timer));
    assert!(matches!(effects[..], [Effect::Probe { .. }]), "{effects:?}");
    assert_eq!(words(&stage), "circuit open, one try under way");
    stage.server("other", ServerEvent::Probed { millis: Some(2) });
    assert_eq!(
        verdict(&stage).cause,
        Cause::Failing,
        "it has to prove itself"
    );
    let health = &stage.host.server(&"other".into()).unwrap().health;
    assert_eq!(health.last_good, Some(stage.now));
}

#[test]
fn a_server_that_slows_down_is_told_with_what_it_was() {
    let mut stage = Stage::ready();
    (0..20).for_each(|_| drop(call_taking(&mut stage, 300, answered("x"))));
    (0..5).for_each(|_| drop(call_taking(&mut stage, 4_100, answered("x"))));
    assert_eq!(words(&stage), "slow: p95 4.1 s, was 301 ms");
    assert_eq!(verdict(&stage).grade, Grade::Slow);
}

#[test]
fn what_ended_a_server_is_its_verdict_until_it_is_there_again() {
    let mut stage = Stage::ready();
    let mut failure = Failure::new(FailureKind::Exited, "the server's process ended");
    failure.exit = Some("exit code 1".into());
    failure.stderr = vec!["DB_URL missing".into()];
    let effects = stage.server("other", ServerEvent::Ended(Box::new(failure)));
    let stopped = "stopped: exit 1 \"DB_URL missing\"";
    assert_eq!(
        (words(&stage), verdict(&stage).grade),
        (stopped, Grade::Down)
    );
    let server = stage.host.server(&"other".into()).unwrap();
    let running = server.verdict_words(stage.now);
    assert_eq!(running, format!("{stopped}, next try in 1 s"));
    let (timer, _) = timers(&effects)[0];
    stage.tell(HostEvent::Timer(timer));
    assert_eq!(words(&stage), stopped, "a dial is no news");
    stage.raise("other");
    assert_eq!(words(&stage), "healthy");
    stage.server("other", ended(FailureKind::NeedsSignIn));
    assert_eq!(
        (words(&stage), verdict(&stage).cause),
        ("needs sign-in", Cause::SignIn)
    );
    stage.command(Command::Disable("other".into()));
    assert_eq!(
        (words(&stage), verdict(&stage).grade),
        ("switched off", Grade::Unknown)
    );
}

#[test]
fn what_a_child_uses_is_known_while_it_lives() {
    let mut stage = Stage::ready();
    let used = ProcessUse {
        count: 2,
        resident: 24_000_000,
    };
    for stderr_lines in [5, 12] {
        let vitals = ServerEvent::Vitals {
            processes: Some(used),
            stderr_lines,
        };
        stage.server("other", vitals);
    }
    let server = stage.host.server(&"other".into()).unwrap();
    assert_eq!(server.processes, Some(used));
    assert_eq!(server.health.quarter(stage.now).stderr, 12);
    assert!(server.tool_tokens > 20, "{}", server.tool_tokens);
    stage.server("other", ended(FailureKind::Exited));
    let server = stage.host.server(&"other".into()).unwrap();
    assert_eq!(server.processes, None);
    assert_eq!(server.health.quarter(stage.now).exits, 1);
}
