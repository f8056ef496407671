//! The question on a terminal without panes: the whole arguments on stderr, one letter as the answer.

use crate::cli::ask::questions;
use crate::cli::output;
use crate::host::preview::{Part, Undo, Vouch};
use crate::host::{About, Answer, Command, Host, Question, ToolCall};
use crate::mcp::flags::Flag;
use crate::text::clean;
use crate::text::diff::Side;

/// Lines about what is odd in a tool's words.
const FLAGS: usize = 4;

/// Shows the question and waits for an answer. The end of stdin is a no.
pub async fn ask(question: &Question, host: &Host) -> Command {
    let answer = match &question.about {
        About::Call { call, why } => {
            if let Some(call) = host.call(*call) {
                output::note(&format!("\nAllow {}? {}", clean::line(&call.title()), why));
                for line in meaning(host, call) {
                    output::note(&format!("  {line}"));
                }
                output::note(&format!("  {}", clean::line(&call.arguments)));
            }
            allow().await
        }
        About::Server { server, what, .. } => questions::ask(server, what).await,
    };
    Command::Answer(question.id, answer)
}

/// What is odd about the tool and what the call would do, in lines. The arguments that follow are what is sent.
fn meaning(host: &Host, call: &ToolCall) -> Vec<String> {
    let server = call.server.as_ref().and_then(|name| host.server(name));
    let flags = server.map_or(&[][..], |server| server.flags.of(&call.tool));
    let odd = |flag: &Flag| format!("! odd: {}", clean::line(&flag.sentence()));
    let mut lines: Vec<String> = flags.iter().take(FLAGS).map(odd).collect();
    let Some(preview) = host.previews.get(&call.id) else {
        return lines;
    };
    for part in &preview.parts {
        match part {
            Part::Says { text, .. } => lines.push(clean::line(text)),
            Part::Sql { kinds, by, .. } => {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.words()).collect();
                let by = match by {
                    Vouch::Engine => "the server runs nothing but what reads",
                    Vouch::Text => "says the text, not checked",
                };
                lines.push(format!("SQL: {} ({by})", words.join("; ")));
            }
            Part::Diff { lines: diff, .. } => lines.extend(diff.iter().map(diff_line)),
            Part::Tree { rows } => {
                let row =
                    |(sign, path): &(char, String)| format!("{sign} {}", clean::revealed(path));
                lines.extend(rows.iter().map(row));
            }
        }
    }
    lines.extend(match preview.undo {
        Some(Undo::Yes) => Some("can be taken back: mcpdeck undo".to_owned()),
        Some(Undo::No) => Some("cannot be taken back from here".to_owned()),
        None => None,
    });
    lines
}

fn diff_line(line: &Option<(Side, String)>) -> String {
    let (sign, text) = match line {
        None => (' ', "…"),
        Some((Side::Both, text)) => (' ', text.as_str()),
        Some((Side::New, text)) => ('+', text.as_str()),
        Some((Side::Old, text)) => ('-', text.as_str()),
    };
    format!("{sign} {}", clean::revealed(&text.replace('\t', "    ")))
}

async fn allow() -> Answer {
    loop {
        output::note(
            "  y yes, once   s yes, this session   a always   n no   or words: no, and why",
        );
        return match line().await.as_deref().map(str::trim) {
            Some("y" | "yes") => Answer::Once,
            Some("s") => Answer::Session,
            Some("a") => Answer::Always,
            None | Some("n" | "no") => Answer::No { reason: None },
            Some("") => continue,
            Some(words) => Answer::No {
                reason: Some(words.to_owned()),
            },
        };
    }
}

/// A line of stdin; none at its end.
pub(super) async fn line() -> Option<String> {
    tokio::task::spawn_blocking(read_line).await.ok().flatten()
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}
