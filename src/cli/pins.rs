//! `mcpdeck pins list | show | accept | forget`: what is pinned of the servers' tools, what changed, and the person's word on it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::cli::{output, setup};
use crate::driver::pins;
use crate::host::{Held, Server};
use crate::ids::ServerName;
use crate::mcp::pins::{Difference, PinChange, PinChanges};
use crate::text::diff::Side;
use crate::text::{clean, human};

/// `mcpdeck pins ...`
#[derive(Debug, Args)]
pub struct PinsArgs {
    /// What to do; without it, list
    #[command(subcommand)]
    pub what: Option<What>,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done with the pins.
#[derive(Debug, Subcommand)]
pub enum What {
    /// List the servers whose tools are pinned; starts nothing
    List,
    /// Start a server and show what it has changed in its tools
    Show {
        /// The server
        server: String,
    },
    /// Start a server, show what it has changed in its tools, and accept it
    Accept {
        /// The server
        server: String,
        /// Only these tools
        tools: Vec<String>,
    },
    /// Forget what is pinned: the tools are met anew
    Forget {
        /// The server
        server: String,
        /// Only these tools
        tools: Vec<String>,
    },
}

/// Does it.
pub fn run(args: &PinsArgs, global: &Global) -> Result<ExitCode, CliError> {
    let changes = |server: &str, accept: Option<&[String]>| {
        let target = Target::of(server, &RunArgs::default());
        hand::with(&target, &ReplyArgs::default(), global, async |hand| {
            show(hand, accept, args.json)
        })
    };
    match args.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            list(args.json);
            Ok(ExitCode::SUCCESS)
        }
        What::Show { server } => changes(server, None),
        What::Accept { server, tools } => changes(server, Some(tools)),
        What::Forget { server, tools } => forget(server, tools),
    }
}

fn list(as_json: bool) {
    let file = setup::pins_file();
    let (known, said) = pins::load(&file);
    if let Some(said) = said {
        output::note(&format!("warning: {}", clean::block(&said)));
    }
    if as_json {
        output::json(&json!({ "servers": known }));
        return;
    }
    for (server, records) in &known.servers {
        for record in records {
            let gone = record.tools.values().filter(|pin| pin.gone).count();
            let gone = match gone {
                0 => String::new(),
                gone => format!(", {gone} of them no longer offered"),
            };
            let launch = clean::line(&record.launch);
            let server = clean::line(server.as_str());
            output::data(&format!(
                "{server}  {}{gone}  {launch}\n",
                human::plural(record.tools.len(), "tool")
            ));
        }
    }
    if known.servers.is_empty() {
        output::note("nothing is pinned yet: the tools of a server are when it is first used");
    }
}

fn show(hand: &Hand, accept: Option<&[String]>, as_json: bool) -> Result<ExitCode, CliError> {
    let server = hand.server()?;
    let unknown = accept.and_then(|only| only.iter().find(|tool| server.tool(tool).is_none()));
    if let Some(unknown) = unknown {
        let names = server.tools.iter().map(|tool| tool.name.as_str());
        return Err(hand::unknown(hand.name(), "tool", unknown, names));
    }
    let is_meant =
        |tool: &str| accept.is_none_or(|only| only.is_empty() || only.iter().any(|of| of == tool));
    let held = server.held.iter().filter(|(tool, _)| is_meant(tool));
    let held: Vec<(&String, &Held)> = held.collect();
    print(hand.name(), &held, accept.is_some(), as_json);
    if held.is_empty() {
        output::note(match server.is_bundled() {
            true => {
                "it is one of mcpdeck's own: its tools change with the program, and are not pinned"
            }
            false => "nothing has changed in its tools since they were accepted",
        });
    } else if accept.is_none() {
        let name = clean::line(hand.name().as_str());
        output::note(&format!("hint: `mcpdeck pins accept {name}` accepts it"));
    } else {
        accepted(server, &held)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(server: &ServerName, held: &[(&String, &Held)], accepts: bool, as_json: bool) {
    if as_json {
        let changed: Vec<Value> = held
            .iter()
            .map(|(tool, held)| as_value(tool, &held.differences()))
            .collect();
        let document = json!({ "server": server, "changed": changed, "accepted": accepts });
        output::json(&document);
        return;
    }
    for (tool, held) in held {
        output::data(&format!(
            "{}\n{}",
            clean::line(tool),
            words(held.differences())
        ));
    }
}

/// Written before the program ends, which it may do at once.
fn accepted(server: &Server, held: &[(&String, &Held)]) -> Result<(), CliError> {
    let change = |(tool, held): &(&String, &Held)| {
        let pin = held.after.clone();
        ((*tool).clone(), PinChange::Accepted(pin))
    };
    let changes = PinChanges {
        tools: held.iter().map(change).collect(),
        told: None,
    };
    let launch = server.spec.as_ref().map(|spec| spec.launch.identity());
    let launch = launch.unwrap_or_default();
    kept(pins::change(
        &setup::pins_file(),
        &server.name,
        &launch,
        &changes,
    ))?;
    output::note(&format!("accepted: {}", human::plural(held.len(), "tool")));
    Ok(())
}

fn kept<T>(written: std::io::Result<T>) -> Result<T, CliError> {
    written.map_err(|error| {
        let file = setup::pins_file();
        CliError::new(
            ErrorKind::Usage,
            format!("cannot write {}: {error}", file.display()),
        )
    })
}

fn forget(server: &str, tools: &[String]) -> Result<ExitCode, CliError> {
    let count = kept(pins::forget(
        &setup::pins_file(),
        &ServerName::new(server),
        tools,
    ))?;
    if count == 0 {
        let what = match tools {
            [] => format!("nothing is pinned of a server `{server}`"),
            tools => format!(
                "nothing is pinned of {} of a server `{server}`",
                tools.join(", ")
            ),
        };
        return Err(
            CliError::new(ErrorKind::Usage, what).hint("`mcpdeck pins list` shows the servers")
        );
    }
    output::note(&format!("forgotten: {}", human::plural(count, "tool")));
    Ok(ExitCode::SUCCESS)
}

/// The differences of one tool as JSON.
pub fn as_value(tool: &str, differences: &[Difference]) -> Value {
    let one = |difference: &Difference| match difference {
        Difference::Words { part, words } => {
            let text = |not: Side| -> String {
                let kept = words.iter().filter(|(side, _)| *side != not);
                kept.map(|(_, text)| text.as_str()).collect()
            };
            json!({ "part": part, "before": text(Side::New), "after": text(Side::Old) })
        }
        Difference::Value {
            part,
            before,
            after,
        } => json!({ "part": part, "before": before, "after": after }),
        Difference::Long { before, after } => {
            json!({ "part": "all", "bytes_before": before, "bytes_after": after })
        }
        Difference::More(more) => json!({ "more": more }),
    };
    let differences: Vec<Value> = differences.iter().map(one).collect();
    json!({ "tool": tool, "differences": differences })
}

/// What changed, for a pipe or a terminal: `[-what went-]{+what came+}`.
pub fn words(differences: Vec<Difference>) -> String {
    let mut out = String::new();
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or("nothing".to_owned(), clean::revealed)
    };
    for difference in differences {
        match difference {
            Difference::Words { part, words } => {
                let told: String = words.iter().map(|(side, text)| match side {
                    Side::Both => clean::revealed(text),
                    Side::Old => format!("[-{}-]", clean::revealed(text)),
                    Side::New => format!("{{+{}+}}", clean::revealed(text)),
                }).collect();
                let told = told.replace('\n', "\n    ");
                out.push_str(&format!("  {}\n    {told}\n", clean::line(&part)));
            }
            Difference::Value { part, before, after } => out.push_str(&format!(
                "  {}\n    was  {}\n    is   {}\n",
                clean::line(&part),
                value(&before),
                value(&after)
            )),
            Difference::Long { before, after } => out.push_str(&format!(
                "  its description is too long to be compared: it was {before} bytes, and is {after}\n"
            )),
            Difference::More(more) => out.push_str(&format!("  and {more} more differences\n")),
        }
    }
    out
}
