//! The figures: what is counted, under which names, and who may read them.

use std::time::Duration;

use super::*;
use crate::config::{BrokenServer, Config};
use crate::host::{AuditEnd, Command, Ruler, Ruling, Settings};
use crate::ids::{CallId, Moment, ServerName};

fn record(tool: &str, outcome: &str, sent: bool) -> AuditRecord {
    AuditRecord {
        call: CallId(1),
        by_model: true,
        server: Some("files".into()),
        launch: None,
        method: Method::Tool,
        tool: tool.to_owned(),
        arguments: String::new(),
        ruling: Ruling {
            by: Ruler::Policy,
            why: String::new(),
        },
        end: Some(AuditEnd {
            outcome: outcome.to_owned(),
            error: None,
            why: None,
            took: Duration::from_millis(30),
            sent,
            cached: false,
        }),
    }
}

#[test]
fn a_call_is_counted_by_its_end_and_timed_where_it_was_sent() {
    let metrics = Metrics::new();
    metrics.record(&record("read", "ok", true));
    metrics.record(&record("read", "ok", true));
    metrics.record(&record("read", "denied", false));
    let text = metrics.text();
    for line in [
        r#"mcpdeck_client_calls_total{server="files",tool="read",outcome="ok"} 2"#,
        r#"mcpdeck_client_calls_total{server="other",tool="other",outcome="denied"} 1"#,
        r#"mcpdeck_client_call_duration_seconds_count{server="files",tool="read"} 2"#,
        r#"mcpdeck_client_call_duration_seconds_bucket{le="0.025",server="files",tool="read"} 0"#,
        r#"mcpdeck_client_call_duration_seconds_bucket{le="0.05",server="files",tool="read"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn names_are_bounded_in_number_and_length_and_hold_no_control_character() {
    let metrics = Metrics::new();
    for number in 0..3 * TOOLS {
        let tool = format!("t{number}\n\u{1b}[2J{}", "x".repeat(500));
        metrics.record(&record(&tool, "ok", true));
    }
    let text = metrics.text();
    let counted = text
        .lines()
        .filter(|line| line.starts_with("mcpdeck_client_calls_total"));
    let counted: Vec<&str> = counted.collect();
    assert_eq!(counted.len(), TOOLS + 1);
    assert!(
        counted.iter().all(|line| line.len() < NAME * 3),
        "{}",
        counted[0]
    );
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains(&format!("tool=\"other\",outcome=\"ok\"}} {}", 2 * TOOLS)));
}

#[test]
fn a_server_has_one_state_and_goes_with_the_configuration() {
    let broken = |name: &str| BrokenServer {
        name: ServerName::new(name),
        error: "wrong".to_owned(),
        required: false,
        enabled: true,
    };
    let config = Config {
        broken: vec![broken("a"), broken("b")],
        ..Config::default()
    };
    let mut host = Host::new(&config, Settings::default());
    let metrics = Metrics::new();
    metrics.see(&host);
    let text = metrics.text();
    assert!(
        text.contains(r#"mcpdeck_client_server_state{server="a",state="failed"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"mcpdeck_client_server_state{server="a",state="ready"} 0"#));
    assert!(text.contains(r#"mcpdeck_client_server_up{server="b"} 0"#));
    host.command(Command::Interrupt, Moment(0));
    host.servers.remove(0);
    metrics.see(&host);
    let text = metrics.text();
    assert!(!text.contains(r#"server="a""#), "{text}");
    assert!(text.contains(r#"server="b""#));
}

#[test]
fn an_address_that_others_reach_has_to_be_meant() {
    for (address, loopback) in [
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("192.0.2.1", false),
    ] {
        assert_eq!(is_loopback(address.parse().unwrap()), loopback, "{address}");
    }
    let others = "0.0.0.0:0".parse().expect("an address");
    let opened = open(others, false, std::sync::Arc::default());
    assert!(
        matches!(opened, Err(OpenError::NotLoopback(_))),
        "{opened:?}"
    );
    assert!(allowed(others, true).is_ok());
}
