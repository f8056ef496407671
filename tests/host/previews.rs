//! What a call would do, before it is asked for: looked up at our own servers alone, within a second, and never what is sent.

use std::time::Duration;

use mcpdeck::config::{Access, Bundled, Launch, StoreUrl};
use mcpdeck::host::preview::{Kind, Part, Undo, Vouch};
use mcpdeck::host::{Answer, CallState, Command, Effect, HostEvent, Settings};
use mcpdeck::ids::{CallId, ErrandId};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::request::{Errand, ErrandEnd};
use mcpdeck::text::diff::Side;
use serde_json::{Value, json};

use crate::stage::*;

/// Our file server and database server, and a server of somebody else, all with the tools of ours.
fn stage() -> Stage {
    let database = Launch::Bundled(Bundled::Database {
        url: StoreUrl::new("sqlite:shop.db", ""),
        access: Access::ReadWrite,
    });
    let shop = mcpdeck::config::ServerSpec {
        launch: database,
        ..bundled("shop")
    };
    let config = config(vec![bundled("files"), shop, foreign("other", &["a"])]);
    let mut stage = Stage::cold(&config, Settings::default());
    stage.start();
    for server in ["files", "shop", "other"] {
        stage.server(server, hello());
        let names = [
            "write_file",
            "edit_file",
            "delete_file",
            "move_file",
            "update_records",
            "delete_records",
            "execute_script",
            "run",
        ];
        let any = |name: &&str| mcpdeck::mcp::tool::Tool {
            input_schema: json!({"type": "object"}),
            ..tool(name, false)
        };
        stage.server(
            server,
            ServerEvent::Listed(Listed::Tools(Listing {
                items: names.iter().map(any).collect(),
                rejected: Vec::new(),
            })),
        );
    }
    stage
}

fn looked(effects: &[Effect]) -> Vec<(ErrandId, String, String, Value)> {
    let look = |effect: &Effect| match effect {
        Effect::Errand {
            errand,
            server,
            what: Errand::Preview { tool, arguments },
            ..
        } => Some((
            *errand,
            server.to_string(),
            tool.clone(),
            serde_json::from_str(arguments).unwrap(),
        )),
        _ => None,
    };
    effects.iter().filter_map(look).collect()
}

fn told(is_error: bool, text: &str, data: Value) -> ErrandEnd {
    ErrandEnd::Previewed {
        is_error,
        text: text.into(),
        data,
    }
}

fn parts(stage: &Stage) -> Vec<Part> {
    let preview = stage.host.previews.get(&CallId(1));
    preview
        .map(|preview| preview.parts.clone())
        .unwrap_or_default()
}

#[test]
fn a_file_that_would_be_replaced_is_shown_as_a_diff_and_the_call_is_what_is_sent() {
    let mut stage = stage();
    let written = json!({"path": "a.txt", "content": "one\nTWO\nthree\n"}).to_string();
    let effects = stage.propose(vec![call(1, "files__write_file", &written)]);
    let asked = looked(&effects);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].1.as_str(), asked[0].2.as_str(), &asked[0].3),
        ("files", "read_text_file", &json!({"path": "a.txt"}))
    );
    assert!(
        stage.host.questions.is_empty(),
        "not before it is known what it would do"
    );
    assert!(matches!(stage.call(1).state, CallState::Asking { .. }));
    let end = told(
        false,
        "",
        json!({"content": "one\ntwo\nthree\n", "truncated": false}),
    );
    assert_eq!(
        stage.server("files", ServerEvent::Errand(asked[0].0, end)),
        []
    );
    assert_eq!(stage.host.questions.len(), 1);
    let line = |side, text: &str| Some((side, text.to_owned()));
    assert_eq!(
        parts(&stage),
        [Part::Diff {
            lines: vec![
                line(Side::Both, "one"),
                line(Side::Old, "two"),
                line(Side::New, "TWO"),
                line(Side::Both, "three")
            ],
            added: 1,
            removed: 1,
        }]
    );
    assert_eq!(stage.host.previews[&CallId(1)].undo, Some(Undo::Yes));
    assert!(
        stage.host.errands.is_empty(),
        "the file's content is not kept"
    );
    let question = stage.host.questions[0].id;
    let effects = stage.command(Command::Answer(question, Answer::Once));
    assert_eq!(sent(&effects), [(1, "files".into(), written)]);
    assert!(stage.host.previews.is_empty());
}

#[test]
fn each_of_our_tools_is_asked_in_its_way_and_never_to_change_anything() {
    for (server, tool, given, asked, with) in [
        (
            "files",
            "edit_file",
            json!({"path": "a", "edits": []}),
            "edit_file",
            json!({"path": "a", "edits": [], "dryRun": true}),
        ),
        (
            "files",
            "delete_file",
            json!({"path": "a"}),
            "list_directory",
            json!({"path": "a"}),
        ),
        (
            "shop",
            "update_records",
            json!({"table": "t", "set": {}}),
            "update_records",
            json!({"table": "t", "set": {}, "dry_run": true}),
        ),
        (
            "shop",
            "delete_records",
            json!({"table": "t", "dry_run": false}),
            "delete_records",
            json!({"table": "t", "dry_run": true}),
        ),
    ] {
        let mut stage = stage();
        let effects = stage.propose(vec![call(
            1,
            &format!("{server}__{tool}"),
            &given.to_string(),
        )]);
        let looks = looked(&effects);
        assert_eq!(looks.len(), 1, "{tool}");
        assert_eq!(
            (looks[0].1.as_str(), looks[0].2.as_str(), &looks[0].3),
            (server, asked, &with)
        );
        assert_eq!(sent(&effects), []);
    }
}

#[test]
fn a_server_of_somebody_else_is_never_asked() {
    for tool in [
        "write_file",
        "edit_file",
        "delete_file",
        "update_records",
        "delete_records",
        "run",
    ] {
        let mut stage = stage();
        let effects = stage.propose(vec![call(
            1,
            &format!("other__{tool}"),
            r#"{"path":"a","content":"b","table":"t"}"#,
        )]);
        assert_eq!(looked(&effects), [], "{tool}");
        assert_eq!(stage.host.questions.len(), 1, "{tool}");
        assert_eq!(parts(&stage), [], "{tool}");
    }
}

#[test]
fn rows_that_would_change_are_counted() {
    let mut stage = stage();
    let effects = stage.propose(vec![call(
        1,
        "shop__delete_records",
        r#"{"table":"orders","all":true}"#,
    )]);
    let errand = looked(&effects)[0].0;
    stage.server(
        "shop",
        ServerEvent::Errand(errand, told(false, "", json!({"deleted": 4000}))),
    );
    let says = |text: &str| Part::Says {
        text: text.into(),
        warns: true,
    };
    assert_eq!(
        parts(&stage),
        [
            says("every row of `orders` is meant"),
            says("4000 rows of `orders` would go")
        ]
    );
    assert_eq!(stage.host.previews[&CallId(1)].undo, Some(Undo::No));
}

#[test]
fn sql_is_recognised_and_what_vouches_for_its_kind_is_told() {
    for (name, given, kinds, by) in [
        (
            "shop__execute_script",
            r#"{"sql":"UPDATE t SET a=1; DROP TABLE t"}"#,
            vec![Kind::Rows, Kind::Schema],
            Vouch::Text,
        ),
        (
            "other__run",
            r#"{"q":"SELECT * FROM t"}"#,
            vec![Kind::Reads],
            Vouch::Text,
        ),
        (
            "other__run",
            r#"{"sql":"CALL wipe()"}"#,
            vec![Kind::Unknown],
            Vouch::Text,
        ),
    ] {
        let mut stage = stage();
        stage.propose(vec![call(1, name, given)]);
        assert_eq!(stage.host.questions.len(), 1);
        let found = parts(&stage).into_iter().find_map(|part| match part {
            Part::Sql { kinds, by, .. } => Some((kinds, by)),
            _ => None,
        });
        assert_eq!(found, Some((kinds, by)), "{given}");
    }
    let mut stage = stage();
    stage.propose(vec![call(
        1,
        "other__run",
        r#"{"query":"select the best one"}"#,
    )]);
    assert_eq!(parts(&stage), []);
}

#[test]
fn a_question_waits_a_second_for_its_preview_and_no_longer() {
    let mut stage = stage();
    let effects = stage.propose(vec![call(
        1,
        "files__write_file",
        r#"{"path":"a","content":"b"}"#,
    )]);
    let (timer, after) = timers(&effects)[0];
    assert_eq!(after, Duration::from_secs(1));
    stage.tell(HostEvent::Timer(timer));
    assert_eq!(stage.host.questions.len(), 1);
    // A late answer changes nothing.
    let late = told(false, "", json!({"content": "x"}));
    stage.server("files", ServerEvent::Errand(looked(&effects)[0].0, late));
    assert_eq!(stage.host.questions.len(), 1);
    assert_eq!(parts(&stage).len(), 1);
    assert!(stage.host.errands.is_empty());
}

#[test]
fn a_server_that_ends_or_a_turn_that_is_interrupted_leaves_no_question_behind() {
    let mut stage = stage();
    stage.propose(vec![call(
        1,
        "files__write_file",
        r#"{"path":"a","content":"b"}"#,
    )]);
    stage.server("files", ended(FailureKind::Exited));
    assert_eq!(stage.host.questions.len(), 1, "it is asked without");
    let mut stage = self::stage();
    let effects = stage.propose(vec![call(
        1,
        "files__write_file",
        r#"{"path":"a","content":"b"}"#,
    )]);
    stage.command(Command::Interrupt);
    let late = told(false, "", json!({"content": "x"}));
    stage.server("files", ServerEvent::Errand(looked(&effects)[0].0, late));
    stage.tell(HostEvent::Timer(timers(&effects)[0].0));
    assert!(stage.host.questions.is_empty());
    assert!(stage.host.previews.is_empty());
}
