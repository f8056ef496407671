//! The faults of the lab between a real client and a real server: what each of them makes the host do, over pipes and over HTTP.

use std::time::{Duration, Instant};

use mcpdeck::config::ProtocolChoice;
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::fault::{Cadence, Fault, FaultKind, Faults, Scope};
use mcpdeck::mcp::result::{Block, CallOutcome};
use mcpdeck::mcp::transport::meddler::Meddler;
use mcpdeck::mcp::wire::record::{Direction, WireKind};
use serde_json::json;

use crate::http_support::*;
use crate::support::*;

const ECHO: &str = r#"
[[on]]
method = "tools/call"
tool = "never"
silent = true
[[on]]
method = "tools/call"
tool = "slow"
result = { content = [{ type = "text", text = "slow" }] }
[[on]]
method = "tools/call"
tool = "quick"
result = { content = [{ type = "text", text = "quick, và 语 🚀" }] }
"#;

fn once(kind: FaultKind) -> Faults {
    Faults([(kind, Fault::usual(kind))].into())
}

fn with(kind: FaultKind, change: impl FnOnce(&mut Fault)) -> Faults {
    let mut fault = Fault::usual(kind);
    change(&mut fault);
    Faults([(kind, fault)].into())
}

/// The same server over pipes and over HTTP, with these faults.
async fn both(faults: &Faults) -> [(Server, Meddler); 2] {
    let lab = || Meddler::new(faults.clone());
    let (pipes, net) = (lab(), lab());
    let child = scripted_as(ECHO, |dial| dial.faults = pipes.clone());
    let (url, _) = calls(|asked| {
        let name = asked.body["params"]["name"].as_str().unwrap().to_owned();
        let text = match name.as_str() {
            "quick" => "quick, và 语 🚀",
            other => other,
        };
        asked.answer(said(text))
    })
    .await;
    let remote = dialled(http(&url), |dial| dial.faults = net.clone());
    let mut both = [(child, pipes), (remote, net)];
    for (server, _) in &mut both {
        server.connected().await;
    }
    both
}

fn said(text: &str) -> serde_json::Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

/// What the lab wrote on the time line: which fault, at which id, in what words.
fn told(server: &mut Server) -> Vec<(FaultKind, Direction, String)> {
    let told = server
        .wire()
        .iter()
        .filter_map(|record| match &record.kind {
            WireKind::Fault { fault, id } => {
                assert!(id.is_some(), "each is tied to its message: {record:?}");
                Some((*fault, record.direction, record.text.clone()))
            }
            _ => None,
        });
    told.collect()
}

async fn outcome(server: &mut Server, call: u64, tool: &str) -> CallOutcome {
    server.connection.call(request(call, tool, json!({})));
    server.outcome(call).await
}

fn text(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Answered { result } => result.as_text().into_owned(),
        other => panic!("no answer but {other:?}"),
    }
}

#[tokio::test]
async fn a_delayed_answer_comes_late_and_a_dripping_one_byte_by_byte_and_whole() {
    let delay = with(FaultKind::Delay, |fault| fault.amount = 100);
    let drip = with(FaultKind::Drip, |fault| fault.amount = 1);
    for (faults, least) in [(delay, 100), (drip, 60)] {
        for (mut server, _) in both(&faults).await {
            let begun = Instant::now();
            let end = outcome(&mut server, 1, "quick").await;
            assert_eq!(text(&end), "quick, và 语 🚀");
            assert!(
                begun.elapsed() >= Duration::from_millis(least),
                "{faults:?}"
            );
            assert_eq!(told(&mut server).len(), 1);
            server.closed().await;
        }
    }
}

#[tokio::test]
async fn a_dropped_answer_never_comes_and_the_next_one_does() {
    for (mut server, lab) in both(&once(FaultKind::Drop)).await {
        let mut call = request(1, "quick", json!({}));
        call.timeout = Duration::from_millis(300);
        server.connection.call(call);
        let end = server.outcome(1).await;
        assert!(matches!(end, CallOutcome::TimedOut { .. }), "{end:?}");
        assert!(!lab.is_on(), "what strikes once is off by that");
        assert_eq!(text(&outcome(&mut server, 2, "slow").await), "slow");
        let told = told(&mut server);
        let words = "drop: never reached the host".to_owned();
        assert_eq!(told, [(FaultKind::Drop, Direction::In, words)]);
        // The server did answer, and the time line has that answer, too.
        let answers = server.wire().iter().filter(|record| {
            record.direction == Direction::In && record.text.contains("quick, và")
        });
        assert_eq!(answers.count(), 1);
        server.closed().await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_one_answer() {
    for (mut server, _) in both(&once(FaultKind::Duplicate)).await {
        assert_eq!(
            text(&outcome(&mut server, 1, "quick").await),
            "quick, và 语 🚀"
        );
        assert_eq!(text(&outcome(&mut server, 2, "slow").await), "slow");
        assert_eq!(told(&mut server).len(), 1);
        server.closed().await;
    }
}

#[tokio::test]
async fn two_answers_change_places() {
    for (mut server, _) in both(&once(FaultKind::Reorder)).await {
        server.connection.call(request(1, "slow", json!({})));
        server.sent(1).await;
        // The first answer is held back, whenever it comes: for a second, if nothing overtakes it.
        server.connection.call(request(2, "quick", json!({})));
        let mut order = Vec::new();
        while order.len() < 2 {
            if let ServerEvent::Call(CallId(call), CallEvent::Finished(_)) = server.event().await {
                order.push(call);
            }
        }
        let struck = told(&mut server);
        assert_eq!(struck.len(), 1, "{struck:?}");
        // Over HTTP the two may be answered in any order; whichever came first comes last.
        let first = server.wire().iter().find_map(|record| match &record.kind {
            WireKind::Fault { id, .. } => id.clone(),
            _ => None,
        });
        let answered = server
            .wire()
            .iter()
            .filter_map(|record| match &record.kind {
                WireKind::Response { id } if record.text.contains("text") => Some(id.clone()),
                _ => None,
            });
        let answered: Vec<String> = answered.collect();
        assert_eq!(Some(&answered[0]), first.as_ref());
        server.closed().await;
    }
}

#[tokio::test]
async fn an_answer_that_waits_for_another_one_comes_after_a_second_at_the_latest() {
    for (mut server, _) in both(&once(FaultKind::Reorder)).await {
        assert_eq!(text(&outcome(&mut server, 1, "slow").await), "slow");
        server.closed().await;
    }
}

#[tokio::test]
async fn a_cut_answer_is_unreadable_and_the_connection_stands() {
    for (mut server, _) in both(&once(FaultKind::Malformed)).await {
        let end = outcome(&mut server, 1, "quick").await;
        assert!(matches!(end, CallOutcome::Unreadable { .. }), "{end:?}");
        assert_eq!(text(&outcome(&mut server, 2, "slow").await), "slow");
        let told = told(&mut server);
        assert!(told[0].2.contains("cut in its middle"), "{told:?}");
        server.closed().await;
    }
}

#[tokio::test]
async fn a_giant_result_is_taken_up_to_the_longest_message_and_no_further() {
    for (amount, is_taken) in [(1, true), (17, false)] {
        let faults = with(FaultKind::Giant, |fault| fault.amount = amount);
        for (mut server, _) in both(&faults).await {
            match outcome(&mut server, 1, "quick").await {
                CallOutcome::Answered { result } => {
                    assert!(is_taken);
                    let [Block::Text { text, .. }] = result.content.as_slice() else {
                        panic!("{result:?}");
                    };
                    assert_eq!(text.len(), 1 << 20);
                }
                CallOutcome::Unreadable { why } => assert!(!is_taken, "{why}"),
                other => panic!("{other:?}"),
            }
            assert_eq!(text(&outcome(&mut server, 2, "slow").await), "slow");
            server.closed().await;
        }
    }
}

#[tokio::test]
async fn a_storm_of_changes_reaches_the_host_word_by_word_and_delays_no_answer() {
    for (mut server, _) in both(&once(FaultKind::ListStorm)).await {
        server.connection.call(request(1, "quick", json!({})));
        let (mut changes, mut answered) = (0, false);
        while changes < 200 {
            match server.event().await {
                ServerEvent::Changed(_) => {
                    assert!(answered, "the answer comes before the storm");
                    changes += 1;
                }
                ServerEvent::Call(_, CallEvent::Finished(end)) => {
                    assert_eq!(text(&end), "quick, và 语 🚀");
                    answered = true;
                }
                _ => {}
            }
        }
        server.closed().await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_over_a_call_leaves_its_outcome_unknown() {
    let lab = Meddler::new(once(FaultKind::Kill));
    let mut server = scripted_as(ECHO, |dial| dial.faults = lab.clone());
    server.connected().await;
    server.connection.call(request(1, "never", json!({})));
    let end = server.outcome(1).await;
    assert!(matches!(end, CallOutcome::Lost { .. }), "{end:?}");
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Exited, "{failure:?}");
    assert_eq!(told(&mut server).len(), 1);
    server.closed().await;
}

#[tokio::test]
async fn a_refused_token_and_a_forgotten_session_are_met_like_a_servers_own() {
    for (kind, says) in [
        (FaultKind::Unauthorized, FailureKind::NeedsSignIn),
        (FaultKind::Expired, FailureKind::Http),
    ] {
        let (url, log) = calls(|asked| asked.answer(said("ok"))).await;
        let lab = Meddler::new(once(kind));
        let mut server = dialled(http(&url), |dial| dial.faults = lab.clone());
        server.connected().await;
        assert!(lab.is_on(), "the handshake is left alone");
        server.connection.call(request(1, "quick", json!({})));
        let failure = server.ended().await;
        // The same words as for a server that does this by itself.
        assert!(
            failure.kind == says || failure.message.contains("session"),
            "{failure:?}"
        );
        assert_eq!(count(&log, "tools/call"), 0, "the server did not get it");
        let told = told(&mut server);
        assert_eq!((told[0].0, told[0].1), (kind, Direction::Out));
        server.closed().await;
    }
}

#[tokio::test]
async fn all_messages_can_be_meant_even_the_handshake() {
    let faults = with(FaultKind::Drop, |fault| {
        (fault.cadence, fault.scope) = (Cadence::Always, Scope::Everything);
    });
    let mut server = scripted_as(ECHO, |dial| {
        dial.faults = Meddler::new(faults);
        dial.spec.protocol = ProtocolChoice::Legacy;
        dial.spec.startup_timeout = Duration::from_millis(500);
    });
    assert_eq!(server.ended().await.kind, FailureKind::Timeout);
    server.closed().await;
}

#[tokio::test]
async fn faults_come_and_go_while_a_connection_stands_and_leave_no_trace() {
    for (mut server, lab) in both(&Faults::default()).await {
        assert_eq!(text(&outcome(&mut server, 1, "slow").await), "slow");
        lab.set(with(FaultKind::Malformed, |fault| {
            fault.cadence = Cadence::Always
        }));
        let end = outcome(&mut server, 2, "slow").await;
        assert!(matches!(end, CallOutcome::Unreadable { .. }), "{end:?}");
        lab.set(Faults::default());
        assert_eq!(text(&outcome(&mut server, 3, "slow").await), "slow");
        assert_eq!(told(&mut server).len(), 1);
        server.closed().await;
    }
}
