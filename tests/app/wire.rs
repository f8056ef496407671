//! The Wire tab by its keys: filter, search, pause, pairs, the frame itself, copying, and frames of the person's own.

use mcpdeck::app::{AppEffect, AppEvent, Code, Context, InspectTab, Key, Measured};
use mcpdeck::host::trail::From;
use mcpdeck::host::{Effect, HostEvent};
use mcpdeck::ids::{Generation, Moment, Seq, ServerName};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::request::{Errand, ErrandEnd};
use mcpdeck::mcp::wire::record::{Direction, WireRecord, classify};

use crate::support::*;

/// The tab on `shop`, with ten calls and their answers, eight rows on the screen.
fn at_wire() -> Play {
    let mut play = Play::ready();
    play.app.focus = mcpdeck::app::Pane::Servers;
    play.app.servers.marked = 1;
    play.type_text("i5");
    let inspector = play.app.inspector.as_ref().expect("the inspector");
    assert_eq!(
        (inspector.tab, inspector.server.as_str()),
        (InspectTab::Wire, "shop")
    );
    assert_eq!(play.app.context(), Context::Wire);
    for seq in 0..20 {
        let id = seq / 2;
        let server = if seq < 10 { "files" } else { "shop" };
        match seq % 2 {
            0 => play.came(
                seq,
                server,
                Direction::Out,
                &format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"t{id}"}}}}"#),
            ),
            _ => play.came(
                seq,
                server,
                Direction::In,
                &format!(r#"{{"id":{id},"result":{{"n":[{id}]}}}}"#),
            ),
        }
    }
    let measured = Measured {
        wire: [8, 50, 20],
        ..play.app.chat.measured.clone()
    };
    play.update(AppEvent::Drawn(measured));
    play
}

impl Play {
    fn came(&mut self, seq: u64, server: &str, direction: Direction, text: &str) {
        self.update(AppEvent::Wire(WireRecord {
            seq: Seq(seq),
            at: Moment(seq * 1000),
            server: server.into(),
            generation: Generation(1),
            direction,
            kind: classify(direction, text),
            bytes: text.len(),
            text: text.to_owned(),
            carried: None,
        }));
    }

    fn shown(&self) -> Option<u64> {
        let tab = &self.app.inspector.as_ref()?.wire;
        Some(tab.shown(&self.app.wire)?.record.seq.0)
    }

    fn rows(&self) -> usize {
        let inspector = self.app.inspector.as_ref().expect("the inspector");
        inspector.wire.rows.len(&self.app.wire)
    }

    fn wrong(&self) -> String {
        let inspector = self.app.inspector.as_ref().expect("the inspector");
        let prompt = inspector
            .wire
            .prompt
            .as_ref()
            .expect("something is written");
        prompt.wrong.clone().unwrap_or_default()
    }
}

fn sent(effects: &[AppEffect]) -> Vec<(ServerName, Errand)> {
    let errand = |effect: &&Effect| match effect {
        Effect::Errand { server, what, .. } => Some((server.clone(), what.clone())),
        _ => None,
    };
    host_effects(effects).iter().filter_map(errand).collect()
}

#[test]
fn a_filter_holds_while_it_is_written_for_what_comes_too_and_goes_with_a_key() {
    let mut play = at_wire();
    play.type_text("/server:files kind:request");
    assert_eq!(play.app.context(), Context::WireFilter);
    assert_eq!(play.rows(), 5);
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::Wire);
    play.came(30, "files", Direction::Out, r#"{"id":99,"method":"ping"}"#);
    play.came(31, "shop", Direction::Out, r#"{"id":99,"method":"ping"}"#);
    assert_eq!((play.rows(), play.shown()), (6, Some(30)));
    // What cannot be read is told, and does not go away with Enter.
    play.type_text("/ kind:x");
    assert!(play.wrong().contains("`x` is no kind"), "{}", play.wrong());
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::WireFilter);
    play.press(Code::Esc);
    assert_eq!((play.app.context(), play.rows()), (Context::Wire, 6));
    play.type_text("x");
    assert_eq!(play.rows(), 22);
}

#[test]
fn one_key_shows_only_the_inspected_server_and_all_again_beside_what_else_is_filtered() {
    let mut play = at_wire();
    play.type_text("o");
    assert_eq!(play.rows(), 10);
    play.type_text("/ dir:in");
    play.press(Code::Enter);
    assert_eq!(play.rows(), 5);
    play.type_text("o");
    assert_eq!(play.rows(), 10);
    assert_eq!(play.app.inspector.as_ref().unwrap().wire.filter, "dir:in");
}

#[test]
fn pause_pair_search_and_follow_are_a_key_each() {
    let mut play = at_wire();
    assert_eq!(play.shown(), Some(19));
    play.type_text(" ");
    play.came(40, "files", Direction::In, "noise");
    assert_eq!(play.shown(), Some(19));
    play.type_text("p");
    assert_eq!(play.shown(), Some(18));
    play.type_text("f");
    assert_eq!(play.shown(), Some(40));
    play.type_text("p");
    assert!(play.toast().contains("has no pair"), "{}", play.toast());
    play.type_text("sT4");
    play.press(Code::Enter);
    assert_eq!(play.shown(), Some(8));
    play.type_text("sresult");
    play.press(Code::Enter);
    play.type_text("nN");
    assert_eq!(play.shown(), Some(9));
    play.type_text("snowhere");
    play.press(Code::Enter);
    assert!(play.toast().contains("`nowhere`"), "{}", play.toast());
    play.press(Code::Home);
    assert_eq!(play.shown(), Some(0));
}

#[test]
fn the_row_with_the_mark_is_followed_also_while_the_tab_goes_along_with_the_newest() {
    let mut play = at_wire();
    // The newest frame, and it is of another server than the inspected one.
    play.came(40, "files", Direction::In, "noise");
    assert_eq!(play.shown(), Some(40));
    play.press(Code::F(5));
    let followed = |play: &Play| {
        let inspector = play.app.inspector.as_ref().expect("the inspector");
        (inspector.server.to_string(), inspector.follow.from)
    };
    let from = |seq| Some(From::Record(Seq(seq)));
    assert_eq!(followed(&play), ("files".to_owned(), from(40)));
    // A filter has hidden it: the newest that is left.
    play.type_text("5/kind:response");
    play.press(Code::Enter);
    play.press(Code::F(5));
    assert_eq!(followed(&play), ("shop".to_owned(), from(19)));
}

#[test]
fn in_the_frame_lines_fold_and_esc_goes_out_step_by_step() {
    let mut play = at_wire();
    play.press(Code::Enter);
    // It stays although more comes.
    play.came(50, "files", Direction::In, "noise");
    assert_eq!(play.shown(), Some(19));
    play.press(Code::End);
    let part = |play: &Play| play.app.inspector.as_ref().unwrap().wire.detail.clone();
    assert!(part(&play).has_keys && part(&play).line > 0);
    play.press(Code::Enter);
    assert_eq!(part(&play).folded.len(), 1);
    play.press(Code::Enter);
    assert_eq!(part(&play).folded.len(), 0);
    play.type_text("z");
    assert_eq!(part(&play).folded.len(), 2);
    play.press(Code::Esc);
    assert!(!part(&play).has_keys && play.app.inspector.is_some());
    play.press(Code::Esc);
    assert!(play.app.inspector.is_none());
}

#[test]
fn a_frame_is_copied_as_it_passed_or_over_many_lines() {
    let mut play = at_wire();
    let copied = |effects: Vec<AppEffect>| match &effects[..] {
        [AppEffect::Copy(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    let plain = copied(play.type_text("y"));
    assert_eq!(plain, r#"{"id":9,"result":{"n":[9]}}"#);
    let pretty = copied(play.type_text("Y"));
    assert!(pretty.lines().count() > 5, "{pretty}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&pretty).unwrap(),
        serde_json::from_str::<serde_json::Value>(&plain).unwrap()
    );
}

#[test]
fn a_frame_of_ones_own_goes_to_the_inspected_server_as_it_is_written_and_to_none_that_is_not_up() {
    let mut play = at_wire();
    play.type_text("w{\"id\": 5,}");
    assert_eq!(sent(&play.press(Code::Enter)), []);
    assert!(play.wrong().contains("no JSON"), "{}", play.wrong());
    play.press(Code::Left);
    play.key(Key::new(Code::Backspace));
    let frame = r#"{"id": 5}"#.to_owned();
    let expected = (
        ServerName::new("shop"),
        Errand::Raw {
            frame: frame.clone(),
        },
    );
    assert_eq!(sent(&play.press(Code::Enter)), [expected]);
    assert_eq!(play.app.context(), Context::Wire);
    let errand = play.app.host.errands.back().unwrap().id;
    let generation = play.app.host.server(&"shop".into()).unwrap().generation;
    let event = ServerEvent::Errand(errand, ErrandEnd::Done);
    play.host(HostEvent::Server {
        server: "shop".into(),
        generation,
        event,
    });
    assert!(
        play.toast().contains("send the frame to shop"),
        "{}",
        play.toast()
    );
    // The last one is there to be changed and sent again; not to a server that is off.
    play.type_text("w");
    play.host(HostEvent::Server {
        server: "shop".into(),
        generation,
        event: ServerEvent::Ended(Box::new(mcpdeck::mcp::failure::Failure::new(
            mcpdeck::mcp::failure::FailureKind::Exited,
            "gone",
        ))),
    });
    assert_eq!(sent(&play.press(Code::Enter)), []);
    assert!(play.toast().contains("is not ready"), "{}", play.toast());
    assert_eq!(play.app.inspector.as_ref().unwrap().wire.raw, frame);
}
