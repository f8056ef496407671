//! What differs, for people and for programs. What servers wrote is cleaned here. Pure.

use serde_json::{Value, json};

use super::found::{CallLine, Found, Place};
use super::offers::OfferHow;
use super::tools::Change;
use crate::cli::pins;
use crate::text::clean;
use crate::text::diff::Side;
use crate::text::human;

/// Characters of a value that are shown.
const SHOWN: usize = 200;

pub(super) fn words(found: &Found) -> String {
    let mut out = String::new();
    tools(found, &mut out);
    offers(found, &mut out);
    calls(found, &mut out);
    times(found, &mut out);
    if !found.differs() {
        let tools = match found.listed {
            true => "the same tools",
            false => "no tools to compare, for not both were asked for them",
        };
        out.push_str(&format!(
            "no difference: {tools}, and {} with the same results\n",
            human::plural(found.calls.len(), "call")
        ));
    }
    if found.cut > 0 {
        out.push_str(&format!(
            "note: {} of calls are longer than is kept: only their beginning and length were compared\n",
            human::plural(found.cut, "answer")
        ));
    }
    out
}

fn tools(found: &Found, out: &mut String) {
    if found.tools.is_empty() {
        return;
    }
    out.push_str("Tools\n");
    for tool in &found.tools {
        let name = clean::line(&tool.name);
        match &tool.how {
            Change::Gone => out.push_str(&format!("- {name}: gone\n")),
            Change::New => out.push_str(&format!("+ {name}: new\n")),
            Change::Other(differences) => {
                out.push_str(&format!("~ {name}\n{}", pins::words(differences.clone())));
            }
        }
    }
    out.push('\n');
}

fn offers(found: &Found, out: &mut String) {
    if found.offers.is_empty() {
        return;
    }
    out.push_str("Servers, prompts and resources\n");
    for offer in &found.offers {
        let name = clean::line(&offer.name);
        match &offer.how {
            OfferHow::Gone => out.push_str(&format!("- {name}: gone\n")),
            OfferHow::New => out.push_str(&format!("+ {name}: new\n")),
            OfferHow::Other(differences) => {
                out.push_str(&format!("~ {name}\n"));
                places(differences, out);
            }
        }
    }
    out.push('\n');
}

fn places(all: &[Place], out: &mut String) {
    for Place { at, before, after } in all {
        let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), short);
        let (was, is) = match (before, after) {
            (Some(before), Some(after)) => apart(before, after),
            (before, after) => (value(before), value(after)),
        };
        let at = clean::line(at.trim_start_matches('.'));
        out.push_str(&format!("  {at}\n    was  {was}\n    is   {is}\n"));
    }
}

fn calls(found: &Found, out: &mut String) {
    let other = |line: &&CallLine| line.side != Side::Both || !line.result.is_empty();
    let mut lines = found.calls.iter().filter(other).peekable();
    if lines.peek().is_none() {
        return;
    }
    out.push_str("Calls\n");
    for line in lines {
        let mark = match line.side {
            Side::Both => '~',
            Side::Old => '-',
            Side::New => '+',
        };
        out.push_str(&format!("{mark} {}\n", short(&line.call)));
        places(&line.result, out);
    }
    out.push('\n');
}

fn times(found: &Found, out: &mut String) {
    if found.times.is_empty() {
        return;
    }
    out.push_str("Median times\n");
    for times in &found.times {
        let mark = if times.slower { '!' } else { ' ' };
        out.push_str(&format!(
            "{mark} {}: {} → {} ({} and {})\n",
            clean::line(&times.tool),
            human::duration(times.before),
            human::duration(times.after),
            times.calls.0,
            human::plural(times.calls.1, "call")
        ));
    }
    out.push('\n');
}

fn short(text: &str) -> String {
    let line = clean::line(text);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Two values, each from a little before the first character in which they differ.
fn apart(before: &str, after: &str) -> (String, String) {
    let same = before
        .chars()
        .zip(after.chars())
        .take_while(|(a, b)| a == b);
    let skipped = same.count().saturating_sub(SHOWN / 4);
    let part = |text: &str| match skipped {
        0 => short(text),
        _ => {
            let rest: String = text.chars().skip(skipped).take(SHOWN + 1).collect();
            format!("…{}", short(&rest))
        }
    };
    (part(before), part(after))
}

fn places_value(all: &[Place]) -> Vec<Value> {
    let place = |p: &Place| json!({ "at": p.at, "before": p.before, "after": p.after });
    all.iter().map(place).collect()
}

pub(super) fn value(found: &Found) -> Value {
    let tools = found.tools.iter().map(|tool| match &tool.how {
        Change::Gone => json!({ "tool": tool.name, "change": "gone" }),
        Change::New => json!({ "tool": tool.name, "change": "new" }),
        Change::Other(differences) => {
            let told = pins::as_value(&tool.name, differences);
            json!({ "tool": tool.name, "change": "other", "differences": told["differences"] })
        }
    });
    let offers = found.offers.iter().map(|offer| match &offer.how {
        OfferHow::Gone => json!({ "offer": offer.name, "change": "gone" }),
        OfferHow::New => json!({ "offer": offer.name, "change": "new" }),
        OfferHow::Other(all) => {
            json!({ "offer": offer.name, "change": "other", "differences": places_value(all) })
        }
    });
    let calls = found.calls.iter().map(
        |line| json!({ "call": line.call, "in": line.side, "result": places_value(&line.result) }),
    );
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let times = found.times.iter().map(|times| {
        json!({
            "tool": times.tool,
            "before_ms": millis(times.before),
            "after_ms": millis(times.after),
            "calls_before": times.calls.0,
            "calls_after": times.calls.1,
            "slower": times.slower,
        })
    });
    json!({
        "differs": found.differs(),
        "tools": tools.collect::<Vec<_>>(),
        "offers": offers.collect::<Vec<_>>(),
        "calls": calls.collect::<Vec<_>>(),
        "times": times.collect::<Vec<_>>(),
    })
}
