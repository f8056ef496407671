//! The language of filters: what each term finds, and what is wrong with one that finds nothing.

use proptest::prelude::*;

use super::*;
use crate::ids::{Generation, Moment, Seq};
use crate::mcp::wire::log::WireLog;
use crate::mcp::wire::record::{Carried, WireRecord, classify};

fn record(seq: u64, server: &str, direction: Direction, text: &str) -> WireRecord {
    WireRecord {
        seq: Seq(seq),
        at: Moment(seq * 50_000),
        server: server.into(),
        generation: Generation(1),
        direction,
        kind: classify(direction, text),
        bytes: text.len(),
        text: text.to_owned(),
        carried: None,
    }
}

/// Numbers 0 to 8.
fn log() -> WireLog {
    let mut log = WireLog::default();
    let out = Direction::Out;
    for (seq, direction, text) in [
        (
            0,
            out,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Đọc_tệp"}}"#,
        ),
        (
            1,
            out,
            r#"{"id":"x-2","method":"resources/read","params":{"uri":"file:///a"}}"#,
        ),
        (2, Direction::Stderr, "WARN: low disk, 磁盘"),
        (
            3,
            Direction::In,
            r#"{"id":1,"result":{"content":[{"text":"Xin chào 😀"}]}}"#,
        ),
        (4, Direction::In, "Server started"),
        (
            5,
            Direction::In,
            r#"{"id":9,"error":{"code":-32601,"message":"no"}}"#,
        ),
        (6, out, r#"{"method":"notifications/initialized"}"#),
    ] {
        log.push(record(seq, "Shop DB", direction, text));
    }
    let mut head = record(7, "web", Direction::In, "POST: HTTP 404");
    head.kind = WireKind::Http { status: Some(404) };
    head.carried = Some(Box::new(Carried::Response {
        request: Seq(6),
        status: 404,
        headers: Vec::new(),
    }));
    log.push(head);
    log.push(record(8, "web", Direction::In, "[1,2]"));
    log
}

fn found(filter: &str) -> Vec<u64> {
    let filter = Filter::parse(filter).unwrap_or_else(|why| panic!("{filter}: {why}"));
    let log = log();
    let found = log.entries().filter(|entry| filter.matches(entry));
    found.map(|entry| entry.record.seq.0).collect()
}

#[test]
fn a_minus_alone_is_a_text_and_hides_nothing_else() {
    for text in ["-", "- ", "- kind:request", "! x"] {
        let filter = Filter::parse(text).unwrap();
        let negated: Vec<bool> = filter.terms.iter().map(|term| term.negated).collect();
        assert!(negated.iter().all(|negated| !negated), "{text}: {filter:?}");
    }
    assert!(Filter::parse("-kind:request").unwrap().terms[0].negated);
}

#[test]
fn each_term_finds_what_it_says() {
    for (filter, expected) in [
        ("", &[0, 1, 2, 3, 4, 5, 6, 7, 8][..]),
        ("   ", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ("server:web", &[7, 8]),
        ("server:\"shop db\" dir:out", &[0, 1, 6]),
        ("server:=shop", &[]),
        ("server:=web,nobody", &[7, 8]),
        ("-server:shop", &[7, 8]),
        ("!server:shop kind:http", &[7]),
        // the answer counts as a part of what it answers
        ("method:tools/", &[0, 3]),
        ("method:=tools/call", &[0, 3]),
        ("method:call,initialized -kind:http", &[0, 3, 6]),
        ("tool:đọc", &[0, 3]),
        ("tool:file:///a", &[1]),
        ("id:1", &[0, 3]),
        ("id:x-2,9", &[1, 5]),
        ("kind:request", &[0, 1]),
        ("kind:open", &[1]),
        ("kind:response,error", &[3, 5]),
        ("kind:noise,stderr,other", &[2, 4, 8]),
        ("KIND:Notification", &[6]),
        ("status:404", &[6, 7]),
        ("status:4XX", &[6, 7]),
        ("status:>=400 kind:http", &[7]),
        ("status:<400,500", &[]),
        (">100ms", &[0, 3]),
        (">=0.15s", &[0, 3]),
        (">150ms", &[]),
        ("<1min kind:http", &[7]),
        ("size:>60B", &[0, 1]),
        ("size:<6", &[8]),
        // text, whatever its case
        ("CHÀO", &[3]),
        ("😀 -nothing", &[3]),
        ("\"low disk\"", &[2]),
        ("磁盘", &[2]),
        ("\"dir:out\"", &[]),
        ("file:///a", &[1]),
        ("-\"server started\" kind:noise", &[]),
        ("-", &[1, 5]),
        (">", &[]),
        (".*", &[]),
    ] {
        let found = found(filter);
        // A dash alone is a text: what has one in it.
        match filter {
            "-" => assert!(found.contains(&5), "{found:?}"),
            _ => assert_eq!(found, expected, "{filter}"),
        }
    }
}

#[test]
fn what_cannot_be_understood_is_told_in_words() {
    let error = |filter: &str| Filter::parse(filter).unwrap_err();
    for (filter, words) in [
        ("sever:x", "there is no `sever:`"),
        ("kind:", "`kind:` wants a value"),
        ("kind:reqest", "`reqest` is no kind; there are request"),
        ("dir:up", "there are in, out, stderr"),
        ("status:4x", "`4x` is no status"),
        ("status:>=x", "is no status"),
        (">100", "`100` is no time: write `>100ms`"),
        (">fastms", "is no time"),
        ("size:>10parsec", "`10parsec` is no size"),
        ("\"open", "a quote is not closed"),
        (&"x".repeat(3_000), "at most 2000 bytes"),
    ] {
        let why = error(filter);
        assert!(why.contains(words), "{filter}: {why}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_fail(line in any::<String>(), made in "(-|!)?(server|kind|id|size|status|dir|x)?:?[<>=]{0,2}[a-z0-9\", .é]{0,12}") {
        for line in [line, made] {
            if let Ok(filter) = Filter::parse(&line) {
                for entry in log().entries() {
                    filter.matches(entry);
                }
            }
        }
    }

    #[test]
    fn a_text_in_quotes_is_found_as_it_is(text in "[^\"\\p{C}]{1,20}") {
        let filter = Filter::parse(&format!("\"{text}\"")).unwrap();
        let mut log = WireLog::default();
        log.push(record(0, "s", Direction::In, &format!("before {text} after")));
        prop_assert!(log.entries().all(|entry| filter.matches(entry)));
    }

    #[test]
    fn turned_round_it_finds_the_rest(term in prop::sample::select(vec![
        "server:web", "kind:request", ">100ms", "size:<50", "status:4xx", "id:1", "dir:in", "chào", "method:call", "tool:x",
    ])) {
        let mut both = found(term);
        both.extend(found(&format!("-{term}")));
        both.sort_unstable();
        prop_assert_eq!(both, (0..9).collect::<Vec<u64>>());
    }
}
