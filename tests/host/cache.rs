//! Answers that are kept: when one stands for the server's, for whom, how long, and when it is dropped.

use std::time::Duration;

use mcpdeck::agent::model::Finish;
use mcpdeck::config::{Config, ServerSpec};
use mcpdeck::host::{
    Answer, CallEnd, CallState, Command, Effect, HostEvent, Settings, SignInEvent,
};
use mcpdeck::ids::{AskId, CallId, Moment};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};
use mcpdeck::mcp::tool::Tool;
use proptest::prelude::*;
use serde_json::json;

use crate::stage::*;

const TTL: Duration = Duration::from_secs(60);

fn keeping(mut spec: ServerSpec) -> ServerSpec {
    spec.policy.cache.insert("read".into(), TTL);
    spec
}

/// `other` keeps the answers of `read` for a minute; `files` is bundled and keeps nothing.
fn keeping_config() -> Config {
    config(vec![keeping(foreign("other", &["a"])), bundled("files")])
}

fn stage() -> Stage {
    Stage::with(&keeping_config(), Settings::default())
}

fn hand(stage: &mut Stage, tool: &str, arguments: &str) -> Vec<Effect> {
    stage.command(Command::Call {
        server: "other".into(),
        tool: tool.into(),
        arguments: arguments.into(),
    })
}

fn wait(stage: &mut Stage, seconds: u64) {
    stage.now = stage.now.plus(Duration::from_secs(seconds));
}

#[test]
fn an_equal_call_within_its_time_needs_no_server_and_says_when_its_answer_came() {
    let mut stage = stage();
    assert_eq!(sent(&hand(&mut stage, "read", &path("a"))).len(), 1);
    stage.outcome(1, answered("one"));
    let came = stage.now;
    wait(&mut stage, 12);
    let spelled = "{ \"path\" : \"\\u0061\" }";
    assert_eq!(sent(&hand(&mut stage, "read", spelled)), []);
    assert_eq!(stage.call(2).result(), Some(&ToolResult::text("one")));
    assert_eq!(stage.call(2).cached, Some(came));
    assert_eq!(stage.call(1).cached, None);
    // Other arguments, another tool, another server's tool of the same name.
    assert_eq!(sent(&hand(&mut stage, "read", &path("b"))).len(), 1);
    assert_eq!(sent(&hand(&mut stage, "write", &path("a"))).len(), 1);
    let cache = stage.host.server(&"other".into()).expect("a server").cache;
    assert_eq!((cache.hits, cache.misses), (1, 2));
}

#[test]
fn after_its_time_the_server_is_asked_again() {
    let mut stage = stage();
    hand(&mut stage, "read", "{}");
    stage.outcome(1, answered("one"));
    wait(&mut stage, 61);
    assert_eq!(sent(&hand(&mut stage, "read", "{}")).len(), 1);
}

#[test]
fn what_nobody_declared_is_not_kept_whatever_a_server_says_of_it() {
    let mut stage = stage();
    let read = |stage: &mut Stage| {
        stage.command(Command::Call {
            server: "files".into(),
            tool: "read".into(),
            arguments: "{}".into(),
        })
    };
    read(&mut stage);
    stage.outcome(1, answered("one"));
    assert_eq!(
        sent(&read(&mut stage)).len(),
        1,
        "it says that it only reads"
    );
}

#[test]
fn errors_are_never_kept() {
    let refused = CallOutcome::Refused {
        code: -32_000,
        message: "no".into(),
    };
    let failed = CallOutcome::Answered {
        result: ToolResult {
            is_error: true,
            ..ToolResult::text("no")
        }
        .into(),
    };
    for outcome in [refused, failed, CallOutcome::TimedOut { after: TTL }] {
        let mut stage = stage();
        hand(&mut stage, "read", "{}");
        stage.outcome(1, outcome.clone());
        assert_eq!(
            sent(&hand(&mut stage, "read", "{}")).len(),
            1,
            "{outcome:?}"
        );
    }
}

#[test]
fn an_answer_for_which_the_server_asked_something_is_for_that_call_alone() {
    for named in [true, false] {
        let mut stage = stage();
        hand(&mut stage, "read", "{}");
        hand(&mut stage, "read", "{}");
        let schema = json!({"type": "object", "properties": {}});
        let what = Ask::Form {
            message: "which?".into(),
            schema,
        };
        let asked = ServerEvent::Asked {
            ask: AskId(1),
            call: named.then_some(CallId(1)),
            what,
        };
        stage.server("other", asked);
        let effects = stage.outcome(1, answered("for you"));
        let second = sent(&effects);
        assert_eq!(
            second,
            [(2, "other".into(), "{}".into())],
            "it asks for itself"
        );
        stage.outcome(2, answered("plain"));
        assert_eq!(sent(&hand(&mut stage, "read", "{}")), []);
        assert_eq!(stage.call(3).result(), Some(&ToolResult::text("plain")));
    }
}

#[test]
fn equal_calls_at_the_same_time_are_one_call() {
    let mut stage = stage();
    assert_eq!(sent(&hand(&mut stage, "read", "{}")).len(), 1);
    assert_eq!(sent(&hand(&mut stage, "read", "{}")), []);
    assert!(matches!(stage.call(2).state, CallState::Queued { .. }));
    let effects = stage.outcome(1, answered("one"));
    assert_eq!(sent(&effects), []);
    assert_eq!(stage.call(2).result(), Some(&ToolResult::text("one")));
    assert!(stage.call(2).cached.is_some());
}

#[test]
fn when_nothing_came_of_the_first_the_second_goes_out_itself() {
    for outcome in [
        CallOutcome::TimedOut { after: TTL },
        CallOutcome::Lost { why: "x".into() },
        CallOutcome::NotSent { why: "x".into() },
        CallOutcome::Cancelled,
    ] {
        let mut stage = stage();
        hand(&mut stage, "read", "{}");
        hand(&mut stage, "read", "{}");
        hand(&mut stage, "read", "{}");
        let effects = stage.outcome(1, outcome.clone());
        assert_eq!(
            sent(&effects).len(),
            1,
            "one of the two that waited: {outcome:?}"
        );
        stage.outcome(2, answered("two"));
        assert_eq!(stage.call(3).result(), Some(&ToolResult::text("two")));
    }
}

#[test]
fn an_interrupt_ends_both_and_leaves_nothing_that_a_third_would_wait_for() {
    let mut stage = stage();
    hand(&mut stage, "read", "{}");
    hand(&mut stage, "read", "{}");
    stage.command(Command::Interrupt);
    assert_eq!(*stage.end(2), CallEnd::Interrupted);
    assert_eq!(sent(&hand(&mut stage, "read", "{}")).len(), 1);
}

#[test]
fn a_kept_answer_needs_the_same_approval_as_the_call() {
    let mut stage = stage();
    hand(&mut stage, "read", &path("a"));
    stage.outcome(1, answered("secret"));
    stage.propose(vec![call(1, "other__read", &path("a"))]);
    assert!(matches!(stage.call(2).state, CallState::Asking { .. }));
    let effects = stage.answer(1, Answer::No { reason: None });
    assert!(matches!(stage.end(2), CallEnd::Denied { .. }));
    let said = results(&request(&effects)).remove(0).1;
    assert!(!said.contains("secret"), "{said}");
    // With the answer it is there at once, and the turn goes on.
    let effects = stage.model(
        stream(&effects),
        done(Finish::Stop, vec![call(2, "other__read", &path("a"))]),
    );
    assert!(effects.is_empty(), "{effects:?}");
    let effects = stage.answer(2, Answer::Once);
    assert_eq!(results(&request(&effects)).remove(1).1, "secret");
}

#[test]
fn a_change_drops_what_was_read_before_it_and_while_it_ran() {
    let mut stage = stage();
    hand(&mut stage, "read", "{}");
    stage.outcome(1, answered("old"));
    hand(&mut stage, "write", &path("x"));
    assert_eq!(
        sent(&hand(&mut stage, "read", "{}")).len(),
        1,
        "the change is under way"
    );
    stage.outcome(3, answered("half"));
    stage.outcome(2, answered("written"));
    assert_eq!(
        sent(&hand(&mut stage, "read", "{}")).len(),
        1,
        "read while it ran"
    );
    // One that was under way when a change began is no answer for later ones.
    hand(&mut stage, "write", &path("y"));
    stage.outcome(4, answered("older than the change"));
    stage.outcome(5, answered("written"));
    assert_eq!(sent(&hand(&mut stage, "read", "{}")).len(), 1);
}

#[test]
fn bundled_servers_share_what_they_change() {
    let servers = vec![keeping(bundled("files")), bundled("shop")];
    let mut stage = Stage::with(&config(servers), Settings::default());
    let call = |server: &str, tool: &str| Command::Call {
        server: server.into(),
        tool: tool.into(),
        arguments: "{}".into(),
    };
    stage.command(call("files", "read"));
    stage.outcome(1, answered("one"));
    stage.command(call("shop", "read"));
    stage.outcome(2, answered("a read changes nothing"));
    assert_eq!(sent(&stage.command(call("files", "read"))), []);
    stage.command(call("shop", "write"));
    stage.outcome(4, answered("done"));
    assert_eq!(sent(&stage.command(call("files", "read"))).len(), 1);
}

#[test]
fn other_credentials_a_restart_and_another_definition_drop_it() {
    let changed = |stage: &mut Stage| {
        let items: Vec<Tool> = vec![
            Tool {
                description: Some("reads something else now".into()),
                ..tool("read", true)
            },
            tool("write", false),
        ];
        let rejected = Vec::new();
        let list = Listing { items, rejected };
        stage.server("other", ServerEvent::Listed(Listed::Tools(list)));
        let server = "other".into();
        let tools = None;
        stage.command(Command::AcceptTools { server, tools });
    };
    let signed_in = |stage: &mut Stage| {
        let event = SignInEvent::Done;
        let server = "other".into();
        stage.tell(HostEvent::SignIn { server, event });
        stage.raise("other");
    };
    let restarted = |stage: &mut Stage| {
        stage.command(Command::Restart("other".into()));
        stage.raise("other");
    };
    let cleared = |stage: &mut Stage| {
        stage.command(Command::ClearCache(Some("other".into())));
    };
    let same = |stage: &mut Stage| {
        stage.server("other", ServerEvent::Listed(Listed::Tools(tools())));
    };
    type Doing<'a> = (&'a str, &'a dyn Fn(&mut Stage), usize);
    let cases: [Doing<'_>; 5] = [
        ("a changed definition", &changed, 1),
        ("other credentials", &signed_in, 1),
        ("a restart", &restarted, 1),
        ("/cache clear", &cleared, 1),
        ("the same list again", &same, 0),
    ];
    for (what, happens, calls) in cases {
        let mut stage = stage();
        hand(&mut stage, "read", "{}");
        stage.outcome(1, answered("one"));
        happens(&mut stage);
        assert_eq!(
            sent(&hand(&mut stage, "read", "{}")).len(),
            calls,
            "after {what}"
        );
    }
}

#[test]
fn a_fresh_call_asks_the_server_and_its_answer_is_the_kept_one_from_then_on() {
    let mut stage = stage();
    hand(&mut stage, "read", "{}");
    stage.outcome(1, answered("old"));
    hand(&mut stage, "read", "{}");
    let effects = stage.command(Command::Afresh(CallId(2)));
    assert_eq!(sent(&effects), [(3, "other".into(), "{}".into())]);
    stage.outcome(3, answered("new"));
    hand(&mut stage, "read", "{}");
    assert_eq!(stage.call(4).result(), Some(&ToolResult::text("new")));
    // A call whose answer is not kept is not made again by this.
    hand(&mut stage, "write", "{}");
    stage.outcome(5, answered("written"));
    assert_eq!(stage.command(Command::Afresh(CallId(5))), []);
}

/// What may happen to `other` and its tool.
#[derive(Debug, Clone)]
enum Chance {
    Read(u8),
    Write,
    Finish(u8, bool),
    Principal,
    Restart,
    Wait(u64),
    Clear,
    Afresh(u8),
    Interrupt,
}

fn chance() -> impl Strategy<Value = Chance> {
    prop_oneof![
        8 => (0u8..3).prop_map(Chance::Read),
        1 => Just(Chance::Write),
        8 => (0u8..8, any::<bool>()).prop_map(|(n, ok)| Chance::Finish(n, ok)),
        1 => Just(Chance::Principal),
        1 => Just(Chance::Restart),
        2 => (0u64..40).prop_map(Chance::Wait),
        1 => Just(Chance::Clear),
        1 => (0u8..8).prop_map(Chance::Afresh),
        1 => Just(Chance::Interrupt),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever happens: an answer that was not sent is one that the server gave to the same arguments, for the same person,
    /// within its time, and since the last change; and every call ends once all that run have ended.
    #[test]
    fn an_answer_that_was_not_sent_is_one_that_would_be_right(chances in proptest::collection::vec(chance(), 0..60)) {
        let mut stage = stage();
        // What the server said: text, arguments, when, in which epoch (changed by a change or another person).
        let mut said: Vec<(String, String, Moment, u32)> = Vec::new();
        let (mut epoch, mut seen) = (0u32, 0usize);
        for chance in chances {
            match chance {
                Chance::Read(n) => { hand(&mut stage, "read", &path(&n.to_string())); }
                Chance::Write => { hand(&mut stage, "write", "{}"); epoch += 1; }
                Chance::Finish(n, ok) => {
                    let running: Vec<u64> = stage.host.calls.iter()
                        .filter(|call| matches!(call.state, CallState::Running { .. }))
                        .map(|call| call.id.0).collect();
                    if running.is_empty() { continue; }
                    let id = running[usize::from(n) % running.len()];
                    let arguments = stage.call(id).arguments.clone();
                    let is_write = stage.call(id).tool == "write";
                    let text = format!("{id} at {epoch}");
                    if is_write { epoch += 1; }
                    if ok {
                        let at = stage.now.plus(Duration::from_millis(1));
                        said.push((text.clone(), arguments, at, epoch));
                        stage.outcome(id, answered(&text));
                    } else {
                        stage.outcome(id, CallOutcome::TimedOut { after: TTL });
                    }
                }
                Chance::Principal => {
                    let event = SignInEvent::Done;
                    stage.tell(HostEvent::SignIn { server: "other".into(), event });
                    stage.raise("other");
                    epoch += 1;
                }
                Chance::Restart => { stage.command(Command::Restart("other".into())); stage.raise("other"); epoch += 1; }
                Chance::Wait(seconds) => wait(&mut stage, seconds),
                Chance::Clear => { stage.command(Command::ClearCache(None)); epoch += 1; }
                Chance::Afresh(n) => { stage.command(Command::Afresh(CallId(u64::from(n)))); }
                Chance::Interrupt => { stage.command(Command::Interrupt); }
            }
            for call in &stage.host.calls[seen..] {
                let Some(since) = call.cached else { continue };
                let words = call.result().expect("only answers are kept").as_text();
                let from = said.iter().find(|(text, ..)| *text == words).expect("the server said it");
                prop_assert_eq!(&from.1, &call.arguments);
                prop_assert_eq!(from.2, since);
            }
            // Those that were answered at once in this very step are held to the present.
            let last = stage.host.calls.len().saturating_sub(1);
            if let Some(call) = stage.host.calls.get(last).filter(|_| last >= seen)
                && let (Some(since), CallState::Done { at, .. }) = (call.cached, &call.state)
            {
                let words = call.result().expect("only answers are kept").as_text();
                let from = said.iter().find(|(text, ..)| *text == words).expect("the server said it");
                prop_assert!(at.since(since) < TTL, "stale");
                prop_assert_eq!(from.3, epoch, "from before a change");
            }
            seen = stage.host.calls.len();
            let cache = stage.host.servers[0].cache;
            prop_assert!(cache.entries <= 1_000 && cache.bytes <= 8 << 20);
        }
        while let Some(id) = stage.host.calls.iter().find(|call| matches!(call.state, CallState::Running { .. })).map(|call| call.id.0) {
            stage.outcome(id, answered("x"));
        }
        prop_assert!(stage.host.calls.iter().all(|call| call.end().is_some()), "none waits for ever");
    }
}
