//! The thread of the record: what it writes of calls, and what it says when it cannot.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::host::{AuditEnd, Ruler, Ruling};
use crate::ids::ErrandId;
use crate::mcp::request::Method;

fn record(call: u64, end: Option<&str>) -> AuditRecord {
    AuditRecord {
        call: CallId(call),
        by_model: true,
        server: Some("files".into()),
        launch: Some("serve --key=hunter22".to_owned()),
        method: Method::Tool,
        tool: "read".to_owned(),
        arguments: "0".repeat(64),
        ruling: Ruling {
            by: Ruler::Person,
            why: "yes, this once".to_owned(),
        },
        end: end.map(|outcome| AuditEnd {
            outcome: outcome.to_owned(),
            error: None,
            why: None,
            took: Duration::from_millis(1500),
            sent: true,
            cached: false,
        }),
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_call_that_was_sent_has_an_end_even_when_the_program_ends_first() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("calls.jsonl");
    let (events, _kept) = mpsc::channel(4);
    let redactor = Arc::new(Redactor::new(["hunter22"]));
    let mut audit = Audit::new(path.clone(), redactor, events);
    audit.record(&record(1, None));
    audit.record(&record(1, Some("ok")));
    audit.record(&record(2, None));
    audit.close().await.unwrap();
    let lines = lines(&path);
    let seen: Vec<_> = lines[1..]
        .iter()
        .map(|line| {
            (
                line["event"].as_str(),
                line["call"].as_u64(),
                line["outcome"].as_str(),
            )
        })
        .collect();
    let (sent, ended) = (Some("sent"), Some("ended"));
    assert_eq!(
        seen,
        [
            (sent, Some(1), None),
            (ended, Some(1), Some("ok")),
            (sent, Some(2), None),
            (ended, Some(2), Some("outcome unknown")),
        ]
    );
    assert_eq!(lines[2]["ms"], 1500);
    assert_eq!(lines[2]["launch"], "serve --key=***");
    assert!(lines[2]["time"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_frame_of_the_persons_own_is_a_line_that_no_call_ends() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("calls.jsonl");
    let (events, _kept) = mpsc::channel(4);
    let redactor = Arc::new(Redactor::new(["hunter22"]));
    let mut audit = Audit::new(path.clone(), redactor, events);
    audit.frame(&AuditFrame {
        errand: ErrandId(7),
        server: "files".into(),
        launch: Some("serve --key=hunter22".to_owned()),
        method: Some("tools/call".to_owned()),
        tool: Some("hunter22".to_owned()),
        frame: "0".repeat(64),
    });
    audit.close().await.unwrap();
    let lines = lines(&path);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[1]["event"], &lines[1]["frame"]),
        (&"frame".into(), &7.into())
    );
    assert_eq!(lines[1]["launch"], "serve --key=***");
    assert_eq!(lines[1]["tool"], "***");
    assert_eq!(lines[1].get("call"), None);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_said_once_and_again_at_the_end() {
    let folder = TempDir::new().unwrap();
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let (events, mut told) = mpsc::channel(4);
    let path = in_the_way.join("calls.jsonl");
    let mut audit = Audit::new(path, Arc::default(), events);
    audit.record(&record(1, Some("ok")));
    let Some(HostEvent::SaveFailed { call: None, why }) = told.recv().await else {
        panic!("nothing was said");
    };
    assert!(
        why.contains("record of calls could not be written"),
        "{why}"
    );
    audit.record(&record(2, Some("ok")));
    let error = audit.close().await.unwrap_err();
    assert!(error.starts_with("2 lines"), "{error}");
    assert!(told.try_recv().is_err());
}
