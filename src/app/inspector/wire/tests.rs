//! The tab of the wire: rows, marks and what is written at its foot.

use proptest::prelude::*;

use super::*;
use crate::mcp::wire::record::{Direction, example as record};
use crate::text::wrap::width;

/// Calls and their answers in turn: 0 asks, 1 answers, 2 asks.
fn log(frames: u64) -> WireLog {
    let mut log = WireLog::default();
    for seq in 0..frames {
        let id = seq / 2;
        match seq % 2 {
            0 => {
                let text =
                    format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"t{id}"}}}}"#);
                log.push(record(seq, Direction::Out, &text))
            }
            _ => log.push(record(
                seq,
                Direction::In,
                &format!(r#"{{"id":{id},"result":[{id}]}}"#),
            )),
        };
    }
    log
}

fn marked(tab: &WireTab) -> Option<u64> {
    tab.marked.map(|seq| seq.0)
}

#[test]
fn only_a_text_that_was_cut_is_called_so() {
    let told = |text: &str, bytes: usize| {
        let mut log = WireLog::default();
        let mut record = record(1, Direction::In, text);
        record.bytes = bytes;
        log.push(record);
        let entry = log.entry(Seq(1)).unwrap();
        let lines = detail::lines(entry, &log, &BTreeSet::new(), 200);
        let parts = lines.into_iter().flat_map(|line| line.parts);
        parts.map(|(_, text)| text).collect::<String>()
    };
    // A secret was longer than what stands for it.
    assert!(!told(r#"{"result":{"token":"***"},"id":1}"#, 200).contains("cut"));
    assert!(told(r#"{"result":{"text":"long"#, 100_000).contains("cut: 100 kB in all"));
}

#[test]
fn the_mark_goes_through_the_rows_and_beyond_the_last_it_follows() {
    let log = log(10);
    let mut tab = WireTab::default();
    assert_eq!(tab.window(&log, 4), 6);
    for (by, mark, first) in [
        (Move::Up, Some(8), 6),
        (Move::Up, Some(7), 6),
        (Move::Up, Some(6), 6),
        (Move::Up, Some(5), 5),
        (Move::PageUp, Some(2), 2),
        (Move::Down, Some(3), 2),
        (Move::PageDown, Some(6), 3),
        (Move::Top, Some(0), 0),
        (Move::Up, Some(0), 0),
        (Move::PageDown, Some(3), 0),
        (Move::PageDown, Some(6), 3),
        (Move::PageDown, Some(9), 6),
        (Move::PageDown, Some(9), 6),
        (Move::Down, None, 6),
        (Move::Up, Some(8), 6),
        (Move::Bottom, None, 6),
    ] {
        tab.go(by, &log, 4);
        assert_eq!((marked(&tab), tab.window(&log, 4)), (mark, first), "{by:?}");
    }
}

#[test]
fn new_frames_do_not_move_what_is_looked_at() {
    let mut log = log(10);
    let mut tab = WireTab::default();
    tab.go(Move::Up, &log, 4);
    for seq in 10..30 {
        let pushed = log.push(record(seq, Direction::Stderr, "x"));
        tab.pushed(pushed, &log);
    }
    assert_eq!((marked(&tab), tab.window(&log, 4)), (Some(8), 6));
    // Until it is not kept any more: then the oldest is there.
    let mut small = WireLog::new(5, 1 << 20);
    for seq in 0..30 {
        small.push(record(seq, Direction::Stderr, "x"));
    }
    assert_eq!((tab.place(&small), tab.window(&small, 4)), (0, 0));
    assert!(tab.shown(&small).is_none());
}

#[test]
fn a_pair_is_gone_to_and_back_or_it_is_said_why_not() {
    let log = log(7);
    let mut tab = WireTab::default();
    tab.mark(Seq(2), &log, 4);
    assert_eq!(tab.to_pair(&log, 4), Ok(()));
    assert_eq!(marked(&tab), Some(3));
    assert_eq!(tab.to_pair(&log, 4), Ok(()));
    assert_eq!(marked(&tab), Some(2));
    tab.set_filter("dir:out", &log).unwrap();
    let why = tab.to_pair(&log, 4).unwrap_err();
    assert!(why.contains("the filter hides"), "{why}");
    tab.follow();
    assert_eq!(tab.to_pair(&log, 4), Err("this frame has no pair"));
    let mut small = WireLog::new(1, 1 << 20);
    for entry in log.entries().take(2) {
        small.push(entry.record.clone());
    }
    let mut tab = WireTab::default();
    let why = tab.to_pair(&small, 4).unwrap_err();
    assert!(why.contains("not kept any more"), "{why}");
    assert!(WireTab::default().to_pair(&WireLog::default(), 4).is_err());
}

#[test]
fn a_filter_is_in_force_while_it_is_written_and_esc_brings_the_old_one_back() {
    let log = log(10);
    let mut tab = WireTab::default();
    tab.set_filter("dir:in", &log).unwrap();
    tab.mark(Seq(5), &log, 4);
    tab.ask(Asking::Filter);
    for typed in " tool:t3".chars() {
        tab.prompt.as_mut().unwrap().input.insert(typed);
        tab.written(&log);
        let wrong = tab.prompt.as_ref().unwrap().wrong.is_some();
        // Half a key is no filter: what was in force stays.
        assert_eq!(
            wrong,
            tab.prompt.as_ref().unwrap().input.text().ends_with("tool:")
        );
    }
    assert_eq!(tab.rows.len(&log), 1);
    assert_eq!(marked(&tab), Some(7));
    tab.leave(&log);
    assert_eq!((tab.filter.as_str(), tab.rows.len(&log)), ("dir:in", 5));
}

#[test]
fn a_search_goes_round_and_hides_nothing() {
    let log = log(10);
    let mut tab = WireTab {
        search: "T3".to_owned(),
        ..WireTab::default()
    };
    assert!(tab.find(true, &log, 4));
    assert_eq!(marked(&tab), Some(6));
    tab.search = "result".to_owned();
    let mut seen = Vec::new();
    for onward in [true, true, true, false, false, false, false, false] {
        assert!(tab.find(onward, &log, 4));
        seen.extend(marked(&tab));
    }
    assert_eq!(seen, [7, 9, 1, 9, 7, 5, 3, 1]);
    tab.search = "nowhere".to_owned();
    assert!(!tab.find(true, &log, 4) && !tab.find(false, &log, 4));
    assert_eq!(tab.rows.len(&log), 10);
}

#[test]
fn a_raw_frame_is_one_line_of_json_and_else_anything() {
    for good in [
        r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#,
        "42",
        r#" [1 , 2.50] "#,
        "null",
    ] {
        assert_eq!(raw_frame(good).as_deref(), Ok(good.trim()));
    }
    for (bad, words) in [
        ("", "nothing is written"),
        ("{\"a\":\n1}", "one line"),
        ("{'a':1}", "no JSON: key must be a string"),
        ("{} {}", "trailing characters"),
        ("hello", "no JSON"),
    ] {
        let why = raw_frame(bad).unwrap_err();
        assert!(why.contains(words), "{bad}: {why}");
    }
}

#[test]
fn what_is_folded_is_forgotten_with_the_frame() {
    let mut tab = WireTab::default();
    tab.look_at(Seq(1)).folded.insert(3);
    assert_eq!(tab.folded(Seq(1)).len(), 1);
    assert!(tab.folded(Seq(2)).is_empty());
    tab.look_at(Seq(2)).line = 4;
    assert!(tab.folded(Seq(1)).is_empty());
    assert_eq!((tab.line(Seq(2)), tab.line(Seq(1))), (4, 0));
}

proptest! {
    #[test]
    fn whatever_is_done_the_mark_is_on_a_row_in_sight(
        steps in prop::collection::vec((0u8..9, 0u64..12), 0..60),
        height in 1usize..8,
    ) {
        let mut log = WireLog::new(12, 1 << 20);
        let mut tab = WireTab::default();
        let mut seq = 0;
        for (what, value) in steps {
            match what {
                0 => tab.go(Move::Up, &log, height),
                1 => tab.go(Move::PageDown, &log, height),
                2 => tab.go(Move::Down, &log, height),
                3 => tab.go(Move::PageUp, &log, height),
                4 => tab.pause(&log),
                5 => drop(tab.set_filter(["", "dir:in", "kind:open"][(value % 3) as usize], &log)),
                6 => drop(tab.to_pair(&log, height)),
                _ => {
                    let text = format!(r#"{{"id":{value},"{}":{{}}}}"#, if value % 2 == 0 { "result" } else { "x" });
                    let way = if value % 3 == 0 { Direction::Out } else { Direction::In };
                    seq += 1 + value % 2;
                    let pushed = log.push(record(seq, way, &text));
                    tab.pushed(pushed, &log);
                }
            }
            let count = tab.rows.len(&log);
            let (place, first) = (tab.place(&log), tab.window(&log, height));
            prop_assert!(place < count.max(1));
            prop_assert!(first <= place && place < first + height, "{} in {} of {}", place, first, count);
            prop_assert!(count <= height || first + height <= count);
        }
    }

    #[test]
    fn no_line_of_the_detail_is_wider_than_its_room(text in any::<String>(), cols in 1usize..60, fold in 0usize..4) {
        let json = serde_json::json!({"id": 1, "result": {"a": [text, {"b": "磁盘 Xin chào 😀"}], "c": {}}}).to_string();
        let mut log = WireLog::default();
        log.push(record(0, Direction::In, &json));
        log.push(record(1, Direction::In, &text));
        for entry in log.entries() {
            let folded = BTreeSet::from([fold]);
            for line in detail::lines(entry, &log, &folded, cols) {
                let taken: usize = line.parts.iter().map(|(_, text)| width(text)).sum();
                prop_assert!(taken <= cols.max(1), "{} in {}: {:?}", taken, cols, line);
            }
        }
        let pretty: serde_json::Value = serde_json::from_str(&detail::pretty(log.nth(0).unwrap())).unwrap();
        prop_assert_eq!(pretty, serde_json::from_str::<serde_json::Value>(&json).unwrap());
    }
}
