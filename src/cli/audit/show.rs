//! `audit show` and `audit export`: the calls of the person's own record, a line each.
//!
//! A call that was sent and has no end yet stands there as that: it runs, or the program was killed before it came.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::ExitCode;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value};

use super::{Which, checked, unreadable, with_older};
use crate::chain;
use crate::cli::error::CliError;
use crate::cli::{output, setup};
use crate::text::clean;

/// The members of a call in the order of the columns of a table.
const COLUMNS: [&str; 19] = [
    "time",
    "run",
    "call",
    "by",
    "server",
    "launch",
    "method",
    "tool",
    "arguments",
    "ruled_by",
    "why",
    "outcome",
    "ms",
    "sent",
    "cached",
    "error",
    "cause",
    "seq",
    "frame",
];

/// `30m`, `12h`, `7d` before now, or a day.
pub(super) fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let wrong = || "write it as 30m, 12h, 7d, or as a day such as 2026-01-31".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let count: u32 = text
        .strip_suffix(unit)
        .and_then(|count| count.parse().ok())
        .ok_or_else(wrong)?;
    let ago = match unit {
        'm' => Duration::minutes(count.into()),
        'h' => Duration::hours(count.into()),
        'd' => Duration::days(count.into()),
        _ => return Err(wrong()),
    };
    Utc::now().checked_sub_signed(ago).ok_or_else(wrong)
}

/// Prints the calls for people, or as they are recorded.
pub(super) fn show(which: &Which, json: bool) -> Result<ExitCode, CliError> {
    let (calls, changed) = calls(which)?;
    let mut text = String::new();
    for call in &calls {
        match json {
            true => {
                let _ = writeln!(text, "{}", Value::Object(call.clone()));
            }
            false => text.push_str(&row(call)),
        }
    }
    if calls.is_empty() {
        output::note("no call of that kind is in the record");
    }
    output::data(&text);
    if changed > 0 {
        output::note(&format!(
            "warning: {changed} lines are not as they were written; look with `mcpdeck audit verify`"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the calls for another program. What is not whole is not given on as if it were.
pub(super) fn export(which: &Which, json: bool) -> Result<ExitCode, CliError> {
    let own = setup::audit_file();
    if own.exists() {
        checked(&[], &own, &[], false)?;
    }
    let (calls, _) = calls(which)?;
    let text = match json {
        true => {
            let all = Value::Array(calls.into_iter().map(Value::Object).collect());
            format!("{all:#}\n")
        }
        false => table(&calls),
    };
    output::data(&text);
    Ok(ExitCode::SUCCESS)
}

/// The calls, oldest first, each with its end where it has one; and how many lines were changed or torn.
fn calls(which: &Which) -> Result<(Vec<Map<String, Value>>, usize), CliError> {
    let own = setup::audit_file();
    let files = match own.exists() {
        true => with_older(&own)?,
        false => Vec::new(),
    };
    let mut calls: Vec<Map<String, Value>> = Vec::new();
    let mut open: HashMap<(String, u64), usize> = HashMap::new();
    let mut changed = 0;
    for path in files {
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(|error| unreadable(&path, &error))?;
            let Some(line) = chain::read(&line) else {
                changed += usize::from(!line.is_empty());
                continue;
            };
            let mut call = line.members;
            let event = text(&call, "event").to_owned();
            let key = (text(&call, "run").to_owned(), number(&call, "call"));
            call.remove("hash");
            call.remove("previous");
            match (event.as_str(), open.remove(&key)) {
                ("sent", _) => {
                    open.insert(key, calls.len());
                    calls.push(call);
                }
                // The end says all that the beginning said, and takes its place: calls stand in the order in which they began.
                ("ended", Some(place)) => {
                    if let Some(begun) = calls.get_mut(place) {
                        *begun = call;
                    }
                }
                ("ended", None) | ("frame", _) => calls.push(call),
                (_, _) => {}
            }
        }
    }
    calls.retain(|call| fits(call, which));
    Ok((calls, changed))
}

fn fits(call: &Map<String, Value>, which: &Which) -> bool {
    let is = |name: &str, wanted: &Option<String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| text(call, name) == wanted)
    };
    let late_enough = which.since.is_none_or(|since| {
        let time = DateTime::parse_from_rfc3339(text(call, "time"));
        time.is_ok_and(|time| time >= since)
    });
    let is_it = which
        .call
        .is_none_or(|wanted| call.contains_key("call") && number(call, "call") == wanted);
    is_it && is("server", &which.server) && is("tool", &which.tool) && late_enough
}

fn text<'a>(call: &'a Map<String, Value>, name: &str) -> &'a str {
    call.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(call: &Map<String, Value>, name: &str) -> u64 {
    call.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// One call for people: time, what, what came of it, how long it took; then who decided and why.
fn row(call: &Map<String, Value>) -> String {
    let time = text(call, "time").replacen('T', " ", 1);
    let server = match text(call, "server") {
        "" => String::new(),
        server => format!("{server}."),
    };
    let outcome = match (text(call, "event"), text(call, "outcome")) {
        ("ended", outcome) => outcome.to_owned(),
        ("frame", _) => "raw frame".to_owned(),
        (_, _) => "no end yet".to_owned(),
    };
    let took = match (call.get("cached").and_then(Value::as_bool), call.get("ms")) {
        (Some(true), _) => "cached".to_owned(),
        (_, Some(ms)) => format!("{ms} ms"),
        (_, None) => String::new(),
    };
    let (by, ruled, why) = (text(call, "by"), text(call, "ruled_by"), text(call, "why"));
    let what = match (text(call, "event"), text(call, "tool")) {
        ("frame", "") => format!("{server}{}", text(call, "method")),
        (_, tool) => format!("{server}{tool}"),
    };
    let cause = match text(call, "cause") {
        "" => String::new(),
        cause => format!(" ({cause})"),
    };
    let numbered = match call.contains_key("frame") {
        true => format!("frame {}", number(call, "frame")),
        false => format!("call {}", number(call, "call")),
    };
    let line = format!(
        "{time}  {outcome:<15}  {took:>9}  {what}{cause}  made by {by} as {numbered}; {ruled}: {why}"
    );
    format!("{}\n", clean::line(&line))
}

fn table(calls: &[Map<String, Value>]) -> String {
    let mut text = format!("{}\r\n", COLUMNS.join(","));
    for call in calls {
        let cells = COLUMNS.map(|name| cell(call.get(name)));
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// A value as RFC 4180 wants it. What a spreadsheet would take for a formula begins with a quote: the names are servers' and
/// models'.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => clean::line(text),
        Some(other) => return other.to_string(),
    };
    let text = match text.starts_with(['=', '+', '-', '@', '\t']) {
        true => format!("'{text}"),
        false => text,
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_whatever_is_in_it_and_never_a_formula() {
        for (value, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@resources", "'@resources"),
        ] {
            assert_eq!(cell(Some(&value.into())), expected);
        }
        assert_eq!(cell(Some(&17.into())), "17");
        assert_eq!(cell(None), "");
    }

    #[test]
    fn a_row_tells_a_frame_from_a_call_and_what_has_no_end_has_no_time() {
        let row = |line: serde_json::Value| row(line.as_object().unwrap());
        let time = "2026-01-31T10:00:00Z";
        let frame = serde_json::json!({
            "event": "frame", "time": time, "frame": 3, "by": "hand", "server": "shop", "method": "tools/call",
            "tool": "drop", "ruled_by": "hand", "why": "by hand",
        });
        assert_eq!(
            row(frame),
            "2026-01-31 10:00:00Z  raw frame                   shop.drop  made by hand as frame 3; hand: by hand\n"
        );
        let sent = serde_json::json!({
            "event": "sent", "time": time, "call": 3, "by": "model", "server": "shop", "tool": "drop",
            "ruled_by": "person", "why": "yes",
        });
        assert_eq!(
            row(sent),
            "2026-01-31 10:00:00Z  no end yet                  shop.drop  made by model as call 3; person: yes\n"
        );
    }

    #[test]
    fn a_time_is_a_day_or_a_while_ago() {
        let day = since("2026-01-31").unwrap();
        assert_eq!(day.to_rfc3339(), "2026-01-31T00:00:00+00:00");
        let hour = Utc::now() - since("1h").unwrap();
        assert!((3_590..3_660).contains(&hour.num_seconds()), "{hour}");
        for wrong in ["", "1", "h", "-1h", "1w", "tomorrow", "1é"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
