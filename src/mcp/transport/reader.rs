//! What a child says, line by line: seen by the tap, understood, and handed to the connection, with the faults of the lab in
//! between where any is on.
//!
//! Used by `stdio` alone. With no fault on, each line goes straight on.

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use serde_json::Value;

use super::meddler::{self, Meddler, OVERTAKEN};
use super::stdio::understand;
use super::{IN_PLACE, Inbound, LONGEST_MESSAGE, Notes, send_heavy};
use crate::mcp::fault::{FaultKind, Plan, list_changed};
use crate::mcp::transport::stdio::LONG_LINE_KEPT;
use crate::mcp::wire::lines::{Line, LineSplitter};
use crate::mcp::wire::record::Direction;
use crate::mcp::wire::tap::ConnectionTap;

/// Takes the lines of a child's stdout.
pub struct Reader {
    /// The way to the connection.
    reports: mpsc::Sender<Inbound>,
    /// What is known for a failure.
    notes: Notes,
    /// Sees everything that passes.
    tap: ConnectionTap,
    /// The faults of the lab.
    faults: Meddler,
    /// Each message goes on with its line.
    verbatim: bool,
    /// A message that another one is to overtake, and how long it waits for that.
    held: Option<(Vec<Line>, Instant)>,
}

impl Reader {
    /// A reader that holds nothing back yet.
    pub fn new(
        reports: mpsc::Sender<Inbound>,
        notes: &Notes,
        tap: &ConnectionTap,
        faults: &Meddler,
    ) -> Self {
        Self {
            reports,
            notes: notes.clone(),
            tap: tap.clone(),
            faults: faults.clone(),
            verbatim: false,
            held: None,
        }
    }

    /// One that hands on what was written with what it says.
    #[must_use]
    pub fn verbatim(self) -> Self {
        Self {
            verbatim: true,
            ..self
        }
    }

    /// Takes one line. `false` when nobody listens any more.
    pub async fn take(&mut self, line: Line) -> bool {
        let (kind, inbound) = understand(&line);
        let bytes = weight(&line);
        self.tap
            .record(Direction::In, kind, bytes, &line.text)
            .await;
        if self.faults.is_on()
            && let Inbound::Message(message) = &inbound
            && let Some((plan, struck)) = self.faults.at_answer(message)
        {
            return self.meddle(&line.text, message, plan, &struck).await;
        }
        if !matches!(inbound, Inbound::Message(_)) {
            self.notes.stray(&line.text);
        }
        let inbound = match inbound {
            Inbound::Message(message) if self.verbatim => Inbound::Written {
                message,
                line: line.text,
            },
            other => other,
        };
        let is_heard = send_heavy(&self.reports, inbound, bytes, IN_PLACE).await;
        match self.held {
            None => is_heard,
            Some(_) => is_heard && self.release().await,
        }
    }

    /// When a message that is held back comes whatever happens.
    pub fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|(_, due)| *due)
    }

    /// Hands on what was held back.
    pub async fn release(&mut self) -> bool {
        match self.held.take() {
            Some((lines, _)) => self.hand_on(lines).await,
            None => true,
        }
    }

    /// Carries out what the faults do to a message.
    async fn meddle(
        &mut self,
        text: &str,
        message: &Value,
        plan: Plan,
        struck: &[FaultKind],
    ) -> bool {
        let altered = plan.altered(text, message);
        for fault in struck {
            let words = plan.words(*fault, &altered);
            meddler::record(&self.tap, Direction::In, *fault, message, &words).await;
            if self.reports.send(Inbound::Meddled(*fault)).await.is_err() {
                return false;
            }
        }
        if let Some(wait) = plan.delay {
            sleep(wait).await;
        }
        let was_held = self.held.is_some();
        let mut is_heard = true;
        if !plan.drop {
            let lines = lines(&altered, &plan).await;
            if plan.twice {
                is_heard = self.hand_on(lines.clone()).await;
            }
            if plan.behind && !was_held {
                self.held = Some((lines, Instant::now() + OVERTAKEN));
            } else {
                is_heard &= self.hand_on(lines).await;
            }
        }
        if was_held {
            is_heard &= self.release().await;
        }
        for _ in 0..plan.storm {
            let word = Inbound::Message(list_changed());
            is_heard = is_heard && self.reports.send(word).await.is_ok();
        }
        is_heard
    }

    async fn hand_on(&self, lines: Vec<Line>) -> bool {
        for line in lines {
            let (_, inbound) = understand(&line);
            if !matches!(inbound, Inbound::Message(_)) {
                self.notes.stray(&line.text);
            }
            if !send_heavy(&self.reports, inbound, weight(&line), IN_PLACE).await {
                return false;
            }
        }
        true
    }
}

/// The text as it comes out of a pipe: in pieces where it drips, and cut where it is too long for a line.
async fn lines(text: &str, plan: &Plan) -> Vec<Line> {
    let mut splitter = LineSplitter::new(LONGEST_MESSAGE, LONG_LINE_KEPT);
    let pieces = plan.pieces(text.len());
    let size = pieces.map_or(text.len().max(1), |(size, _)| size);
    let mut lines = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        if let Some((_, wait)) = pieces {
            sleep(wait).await;
        }
        lines.extend(splitter.push(piece));
    }
    lines.extend(splitter.push(b"\n"));
    lines
}

fn weight(line: &Line) -> usize {
    match line.too_long {
        true => LONGEST_MESSAGE + 1,
        false => line.text.len(),
    }
}
