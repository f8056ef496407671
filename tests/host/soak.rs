//! An hour of a host in seconds: a faster clock, random events with faults among them, clocks that jump, and the same promises
//! as in `properties` after each of them; and what is kept stays bounded.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use mcpdeck::agent::turn::TurnState;
use mcpdeck::host::{CallState, Command, Host, HostEvent};
use mcpdeck::ids::{Generation, Moment};
use mcpdeck::mcp::failure::FailureKind;

use crate::properties::{Happening, SERVERS, Watched, chance};
use crate::stage::ended;

/// In microseconds.
const HOUR: u64 = 3_600_000_000;

/// What the host keeps of what passes by, at most; the sizes are those of its own rings, with room for what is under way.
fn is_bounded(host: &Host) {
    assert!(host.errands.len() <= 64, "{} errands", host.errands.len());
    assert!(
        host.questions.len() <= 64,
        "{} questions",
        host.questions.len()
    );
    assert!(
        host.samplings.len() <= 64,
        "{} samplings",
        host.samplings.len()
    );
    for server in &host.servers {
        assert!(
            server.log.len() <= 400,
            "{} lines of a log",
            server.log.len()
        );
    }
    for call in &host.calls {
        assert!(
            call.messages.len() <= 400,
            "{} messages of a call",
            call.messages.len()
        );
    }
}

#[test]
fn an_hour_with_faults_keeps_every_promise() {
    let mut runner = TestRunner::deterministic();
    let mut watched = Watched::new();
    watched.warm_up();
    let (mut events, mut jumps) = (0, 0);
    while watched.now.0 < HOUR {
        let many = prop::collection::vec(chance(), 100);
        for chance in many.new_tree(&mut runner).expect("chances").current() {
            watched.take(chance);
            events += 1;
        }
        is_bounded(&watched.host);
        // A laptop that slept for ten minutes, now and then.
        if watched.now.0 / (HOUR / 20) > jumps {
            jumps += 1;
            watched.now = Moment(watched.now.0 + HOUR / 60);
        }
    }
    assert!(
        events > 10_000 && jumps > 10,
        "{events} events, {jumps} jumps"
    );
    // Every connection ends and the person interrupts: nothing is left running, and each call came to its one end.
    for name in SERVERS {
        let last = watched.generations.get(name).copied().unwrap_or_default();
        for generation in last.0.saturating_sub(3)..=last.0 {
            let (server, generation) = (name.into(), Generation(generation));
            let event = ended(FailureKind::Stopped);
            watched.happen(Happening::Event(HostEvent::Server {
                server,
                generation,
                event,
            }));
        }
    }
    watched.happen(Happening::Command(Command::Interrupt));
    assert_eq!(watched.host.turn, TurnState::Idle);
    let running = |call: &&mcpdeck::host::ToolCall| matches!(call.state, CallState::Running { .. });
    assert_eq!(watched.host.calls.iter().filter(running).count(), 0);
    let without_end = watched
        .host
        .calls
        .iter()
        .filter(|call| call.end().is_none());
    assert_eq!(without_end.count(), 0);
    assert_eq!(
        watched.ends.len(),
        watched.host.calls.len(),
        "one end for each call"
    );
}

/// A clock that goes back by an hour, forward by a year, and to the end of all time breaks nothing.
#[test]
fn clocks_that_jump_break_nothing() {
    let mut runner = TestRunner::deterministic();
    let jumps = [
        HOUR,
        2,
        HOUR * 24 * 365,
        0,
        u64::MAX / 2,
        5,
        HOUR,
        u64::MAX / 4,
    ];
    let mut watched = Watched::new();
    watched.warm_up();
    for jump in jumps.into_iter().cycle().take(40) {
        watched.now = Moment(jump);
        let many = prop::collection::vec(chance(), 60);
        for chance in many.new_tree(&mut runner).expect("chances").current() {
            watched.take(chance);
        }
    }
}
