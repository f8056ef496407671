//! OpenTelemetry: what goes to a collector on a real socket, and what the server of a call is told of its trace.
//!
//! With the feature `otel`, which `.ci/suites/otel.sh` builds; without it, that the log says so.

use crate::deck::Deck;

const TOOLS: &str = "[[tools]]\nname = 'add'\ninputSchema = { type = 'object' }\n";

#[cfg(not(feature = "otel"))]
#[test]
fn a_program_without_the_feature_says_so_in_its_log_and_sends_nothing() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    deck.scripted("good", TOOLS, "");
    for (endpoint, said) in [("http://127.0.0.1:9", true), ("", false)] {
        let logs = deck.home.data_dir().join("logs");
        let _none_yet = std::fs::remove_dir_all(&logs);
        let mut command = deck.command(&["--wire-log", "wire.jsonl", "call", "good", "add"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        assert!(command.output().expect("mcpdeck call").status.success());
        let log = std::fs::read_dir(&logs).expect("logs").flatten().next();
        let log = std::fs::read_to_string(log.expect("a log").path()).expect("a log");
        assert_eq!(log.contains("without the feature `otel`"), said, "{log}");
    }
    let wire = std::fs::read_to_string(deck.home.work().join("wire.jsonl")).expect("the wire");
    assert!(!wire.contains("traceparent"), "{wire}");
}

#[cfg(feature = "otel")]
mod collector {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    /// What was posted: path, content type, body.
    type Posted = (String, String, Vec<u8>);

    /// A collector that takes everything; what it was sent comes out of the channel.
    fn collector() -> (String, Receiver<Posted>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let (sender, posted) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || serve(stream, &sender));
            }
        });
        (url, posted)
    }

    fn serve(mut stream: TcpStream, posted: &Sender<Posted>) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        loop {
            let (mut first, mut kind, mut length) = (String::new(), String::new(), 0);
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                return;
            }
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a header");
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-type" => kind = value.to_owned(),
                    "content-length" => length = value.parse().expect("a length"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let _test_over = posted.send((path, kind, body));
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn holds(body: &[u8], part: &[u8]) -> bool {
        body.windows(part.len()).any(|window| window == part)
    }

    /// The traces that calls carried, as the wire log has them.
    fn carried(deck: &Deck) -> Vec<String> {
        let wire = std::fs::read_to_string(deck.home.work().join("wire.jsonl")).expect("the wire");
        let lines = wire
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let calls =
            lines.filter(|line| line["method"] == "tools/call" && line["direction"] == "out");
        calls
            .map(|line| {
                let message: Value =
                    serde_json::from_str(line["text"].as_str().expect("text")).expect("JSON");
                message["params"]["_meta"]["traceparent"]
                    .as_str()
                    .expect("a trace")
                    .to_owned()
            })
            .collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        let pairs = pairs.map(|pair| std::str::from_utf8(pair).expect("hex"));
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
            .collect()
    }

    #[test]
    fn a_call_is_a_span_that_its_server_can_join_and_a_figure() {
        for era in ["legacy", "modern"] {
            let deck = Deck::new("[model]\nprovider = \"none\"\n");
            let script = format!(
                "era = '{era}'\n{TOOLS}[[on]]\nmethod = 'tools/call'\nresult = {{ isError = true, content = [], resultType = 'complete' }}\n"
            );
            deck.scripted("bad", &script, "");
            let (url, posted) = collector();
            let mut command = deck.command(&[
                "--wire-log",
                "wire.jsonl",
                "call",
                "bad",
                "add",
                "key=hunter2",
            ]);
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
            let output = command.output().expect("mcpdeck call");
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let mut sent = Vec::new();
            while let Ok(post) = posted.recv_timeout(Duration::from_millis(200)) {
                sent.push(post);
            }
            let of = |path: &str| sent.iter().find(|post| post.0 == path);
            let (_, kind, traces) = of("/v1/traces").expect("traces");
            assert_eq!(kind, "application/x-protobuf");
            for part in [
                "tools/call add",
                "mcp.method.name",
                "gen_ai.tool.name",
                "error.type",
                "tool_error",
                "mcpdeck",
            ] {
                assert!(
                    holds(traces, part.as_bytes()),
                    "{era}: no {part} in the traces"
                );
            }
            let (_, _, metrics) = of("/v1/metrics").expect("metrics");
            assert!(holds(metrics, b"mcp.client.operation.duration"), "{era}");
            // No argument leaves the machine; the control: the server was told.
            assert!(sent.iter().all(|post| !holds(&post.2, b"hunter2")));
            let carried = carried(&deck);
            let parts: Vec<&str> = carried[0].split('-').collect();
            assert_eq!(
                (carried.len(), parts.len(), parts[0], parts[3]),
                (1, 4, "00", "01")
            );
            assert!(
                holds(traces, &bytes(parts[1])) && holds(traces, &bytes(parts[2])),
                "{era}: {carried:?}"
            );
        }
    }

    #[test]
    fn a_turn_holds_its_requests_and_calls_in_one_trace() {
        let deck = Deck::demo();
        let (url, posted) = collector();
        let mut command = deck.command(&["ask", "List the files here"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
        assert!(command.output().expect("mcpdeck ask").status.success());
        let mut all = Vec::new();
        while let Ok((_, _, body)) = posted.recv_timeout(Duration::from_millis(200)) {
            all.extend(body);
        }
        for part in [
            "invoke_agent mcpdeck",
            "chat script",
            "tools/call list_directory",
            "gen_ai.client.operation.duration",
        ] {
            assert!(holds(&all, part.as_bytes()), "no {part}");
        }
    }

    #[test]
    fn a_collector_that_is_away_costs_the_figures_and_nothing_else() {
        let deck = Deck::new("[model]\nprovider = \"none\"\n");
        deck.scripted("good", TOOLS, "");
        let mut command = deck.command(&["call", "good", "add"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        let output = command.output().expect("mcpdeck call");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}
