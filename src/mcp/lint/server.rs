//! The rules about a server as a whole: how it comes up, what it prints, what it announces and has, what it says of itself.
//!
//! Pure. Called by `lint` alone.

use super::rules::*;
use super::{Finding, Object, Rule, Subject};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::flags::{self, Flag};
use crate::mcp::request::ListKind;
use crate::mcp::status::{Era, Hello};

/// Characters of instructions that are no burden.
const INSTRUCTIONS: usize = 4_000;
/// Tokens of all definitions that are no burden: a twelfth of what many models hold.
const TOKENS: u64 = 10_000;
/// The newest revision with `initialize`.
const NEWEST_LEGACY: &str = "2025-11-25";
/// Stray lines that are told.
const LINES: usize = 3;

pub(super) fn look(of: &Subject<'_>, out: &mut Vec<Finding>) {
    let mut say = |rule: Rule, says: String, fix: &str| {
        out.push(Finding::new(rule, Object::Server, says, fix));
    };
    if let Some((failure, fix)) = of.failure {
        say(DOES_NOT_START, failure.headline(), fix);
    }
    if let Some(revision) = &of.start.unknown_revision {
        let says = match revision.as_str() {
            "" => "its answer to the handshake names no `protocolVersion`".to_owned(),
            other => format!("it answers the handshake with the revision `{other}`"),
        };
        say(UNKNOWN_REVISION, says, REVISION_FIX);
    }
    let signs_in = |failure: &Failure| failure.kind == FailureKind::NeedsSignIn;
    match of.ended.filter(|(_, failure)| !signs_in(failure)) {
        Some(([], failure)) => {
            let says = format!("it ended by itself: {}", failure.headline());
            say(
                ENDS_BY_ITSELF,
                says,
                "see by its stderr and by the wire what it did last",
            );
        }
        Some((tools, failure)) => {
            let tools = tools.join("`, `");
            let says = format!(
                "it ended while it worked on `{tools}`: {}",
                failure.headline()
            );
            say(ENDS_DURING_A_CALL, says, END_FIX);
        }
        None => {}
    }
    if !of.stray.is_empty() {
        say(STDOUT_NOISE, noise(of.stray), NOISE_FIX);
    }
    if let Some(hello) = of.hello {
        announced(of, hello, out);
        itself(of, hello, out);
    }
}

/// What to do about an unknown revision.
const REVISION_FIX: &str = "answer with the revision that was asked for, or with one that the server speaks, such as 2025-11-25; an SDK of this year does that by itself";
/// What to do about an end during a call.
const END_FIX: &str = "catch the error inside the tool and give it back as a result with `isError: true`; stderr and the wire show what it was doing";
/// What to do about noise.
const NOISE_FIX: &str = "write it to stderr: print(..., file=sys.stderr), console.error(...), and a logger that does not log to stdout";

fn noise(stray: &[String]) -> String {
    let shown: Vec<String> = stray
        .iter()
        .take(LINES)
        .map(|line| format!("`{}`", line.trim_end()))
        .collect();
    let more = match stray.len().saturating_sub(LINES) {
        0 => String::new(),
        more => format!(" and {more} more lines"),
    };
    format!(
        "it writes to stdout what is no message: {}{more}",
        shown.join(", ")
    )
}

/// What is declared and not there, and there and not declared.
fn announced(of: &Subject<'_>, hello: &Hello, out: &mut Vec<Finding>) {
    for kind in ListKind::ALL {
        let capability = kind.capability();
        let declared = hello.capabilities.get(capability);
        let mut say = |rule, says: String, fix: String| {
            out.push(Finding::new(rule, Object::Server, says, fix));
        };
        if let (Some(_), Some(why)) = (declared, of.start.missing_list(kind)) {
            // A server with resources may well have no templates, and many then do not know the question.
            if kind != ListKind::Templates {
                let says = format!(
                    "it declares `{capability}`, and {} fails: {why}",
                    kind.wire()
                );
                let fix = format!(
                    "answer {}, with an empty list where there is nothing, or do not declare `{capability}`",
                    kind.wire()
                );
                say(DECLARED_NOT_THERE, says, fix);
            }
        }
        let count = of.undeclared.get(&kind).copied().unwrap_or_default();
        if declared.is_none() && count > 0 {
            let says = format!(
                "{} answers with {count} of them, and `{capability}` is not declared: hosts never ask",
                kind.wire()
            );
            let fix = format!("declare `{capability}` in the capabilities");
            say(THERE_NOT_DECLARED, says, fix);
        }
        if kind != ListKind::Templates {
            changes(of, hello, kind, out);
        }
    }
}

/// Whether it says that it tells of changes, and whether it does.
fn changes(of: &Subject<'_>, hello: &Hello, kind: ListKind, out: &mut Vec<Finding>) {
    let capability = kind.capability();
    let Some(declared) = hello.capabilities.get(capability) else {
        return;
    };
    let tells = declared
        .get("listChanged")
        .and_then(serde_json::Value::as_bool)
        == Some(true);
    let has = match kind {
        ListKind::Tools => !of.tools.is_empty(),
        ListKind::Resources | ListKind::Templates => !of.resources.is_empty(),
        ListKind::Prompts => !of.prompts.is_empty(),
    };
    let fix = format!("declare `{capability}: {{ listChanged: true }}` where the list can change");
    if of.changed.contains(&kind) && !tells {
        let says = format!(
            "it tells that its {capability} have changed, and does not declare that it will: hosts may not listen"
        );
        out.push(Finding::new(
            CHANGES_NOT_DECLARED,
            Object::Server,
            says,
            fix,
        ));
    } else if has && !tells {
        let says = format!(
            "it does not tell when its {capability} change: hosts keep the list that they have"
        );
        out.push(Finding::new(LIST_CHANGED_SILENT, Object::Server, says, fix));
    }
}

/// What it says of itself.
fn itself(of: &Subject<'_>, hello: &Hello, out: &mut Vec<Finding>) {
    let mut say = |rule: Rule, says: String, fix: &str| {
        out.push(Finding::new(rule, Object::Server, says, fix));
    };
    if hello.name.trim().is_empty() || hello.version.trim().is_empty() {
        let lacks = match hello.name.trim().is_empty() {
            true => "name",
            false => "version",
        };
        let says = format!("it does not say its {lacks}");
        say(
            NAMELESS_SERVER,
            says,
            "fill in `serverInfo` with `name` and `version`",
        );
    }
    if hello.era == Era::Legacy && hello.revision.as_str() < NEWEST_LEGACY {
        let says = format!(
            "it speaks {}, which is not the newest revision",
            hello.revision
        );
        say(OLD_REVISION, says, "update the SDK that it is made with");
    }
    if of.tokens > TOKENS {
        let says = format!(
            "the definitions of its tools cost about {} tokens",
            of.tokens
        );
        let fix = "say less in each description, offer fewer tools, or leave tools out by `enabled_tools`";
        say(HEAVY_DEFINITIONS, says, fix);
    }
    if let Some(words) = &hello.instructions {
        instructions(words, out);
    }
}

fn instructions(words: &str, out: &mut Vec<Finding>) {
    let count = words.chars().count();
    if count > INSTRUCTIONS {
        let says = format!("its instructions have {count} characters");
        let fix = "say less, and what concerns one tool in its description";
        out.push(Finding::new(LONG_INSTRUCTIONS, Object::Server, says, fix));
    }
    for flag in flags::of_instructions(words) {
        out.extend(flagged(&flag, Object::Server));
    }
}

/// What strikes the eye, as a finding.
pub(super) fn flagged(flag: &Flag, object: Object) -> Option<Finding> {
    let (rule, fix) = match flag {
        Flag::Hides { .. } => (HIDDEN_TEXT, "write it without characters that do not show"),
        Flag::Speaks { .. } => (
            SPEAKS_TO_THE_MODEL,
            "describe what the tool does, and leave what to do to the person",
        ),
        // Of tools of other servers; those of one server are looked at here.
        Flag::Alike { .. } => return None,
    };
    Some(Finding::new(rule, object, flag.sentence(), fix))
}
