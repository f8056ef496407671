//! The wire of a running proxy in the terminal program: the inspector with its wire alone, and no server or model behind it.
//!
//! Feeds what the proxy tells to the terminal's loop as if a driver had seen it. What was lost on the way stands in its place.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cli::deck;
use crate::cli::error::CliError;
use crate::cli::recorded;
use crate::config::Config;
use crate::driver::Clock;
use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::proxy::watch::{Attached, Said};
use crate::mcp::wire::live::{self, Live};
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};
use crate::terminal::{self, Outside, Recording};

/// Records that may wait for the loop; further ones wait in the proxy.
const WAITING: usize = 1024;

/// Whether there is a screen.
pub fn needs_terminal() -> Result<(), CliError> {
    deck::in_terminal("without one, use `mcpdeck attach --json`")
}

/// Opens the terminal program on the proxy's wire.
pub async fn open(attached: Attached) -> Result<ExitCode, CliError> {
    let clock = Clock::start();
    let mut app = recorded::attached(attached.server.clone()).app();
    // Nothing is ours here: no server, no model, no configuration that could change.
    let (_no_events, mut events) = mpsc::channel(1);
    let (_no_news, mut news) = mpsc::channel(1);
    let (records, mut wire) = live::channel(WAITING);
    let reading = tokio::spawn(read(attached, records));
    let outside = Outside {
        recording: Recording::default(),
        events: &mut events,
        wire: &mut wire,
        suggest: &mut |_| None,
        see: &mut |_| {},
        news: &mut news,
        configure: &mut |_: Arc<Config>| {},
        trust: &mut |_| Err("nothing is trusted from here".to_owned()),
        perform: &mut |_| {},
        clock,
    };
    let ended = terminal::run(&mut app, outside).await;
    reading.abort();
    Ok(deck::exit_code(
        ended.map_err(|error| deck::no_terminal(&error))?,
    ))
}

/// Hands on what the proxy tells; its end is told as well, and the screen stays.
async fn read(mut attached: Attached, records: Live) {
    let mut last: Option<WireRecord> = None;
    loop {
        let said = attached.next().await;
        // In the place of the first that was lost, or behind the last of all: no other record has its number.
        let say = |text: &str| word(last.as_ref(), text);
        let record = match &said {
            Some(Said::Record(record)) => record.clone(),
            Some(Said::Lost(1)) => say("one record was lost here"),
            Some(Said::Lost(count)) => say(&format!("{count} records were lost here")),
            Some(Said::Hello { .. }) => continue,
            None => say("the proxy has ended"),
        };
        last = Some(record.clone());
        if !records.hand_on(record).await || said.is_none() {
            return;
        }
    }
}

/// A word of ours among the records.
fn word(last: Option<&WireRecord>, text: &str) -> WireRecord {
    let text = format!("[mcpdeck attach] {text}");
    WireRecord {
        seq: last.map_or(Seq(0), |last| last.seq.next()),
        at: last.map_or(Moment(0), |last| last.at),
        server: last.map_or_else(|| ServerName::new("proxy"), |last| last.server.clone()),
        generation: last.map_or(Generation(0), |last| last.generation),
        direction: Direction::Stderr,
        kind: WireKind::Stderr,
        bytes: text.len(),
        text,
        carried: None,
    }
}
