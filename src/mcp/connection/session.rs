//! The life of a connection after its handshake: requests under way, their deadlines, what the server says by itself.
//!
//! One task, one place of state. Every call gets exactly one `Finished`, whatever happens to the link.

mod listing;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::handshake::Shaken;
use super::pending::{Answer, Pending, Purpose, UnderWay, outcome};
use super::relisten::Relisten;
use super::{CallRequest, Command, Reporter, messages};
use crate::ids::CallId;
use crate::mcp::convert;
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::failure::Failure;
use crate::mcp::request::ListKind;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::{Era, Hello};
use crate::mcp::transport::{Gate, Inbound, Link, stdio};

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// A deadline that never comes.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A connection with a server that is ready.
pub struct Session {
    link: Link,
    era: Era,
    wants_changes: bool,
    /// Whether arguments are repeated in HTTP headers, so that an invalid annotation makes a tool useless.
    heed_headers: bool,
    next_id: i64,
    pending: BTreeMap<i64, Pending>,
    reporter: Reporter,
    closing: bool,
    /// When the first listing must be over, until it is asked for.
    startup: Option<Instant>,
    /// When changes of the tools are asked for again.
    relisten: Relisten,
    /// Why the server is given up, once it is.
    given_up: Option<Failure>,
}

impl Session {
    /// Takes a link over from the handshake.
    pub fn new(shaken: Shaken, reporter: Reporter) -> Self {
        Self {
            era: shaken.hello.era,
            wants_changes: shaken.hello.era == Era::Modern && tells_changes(&shaken.hello),
            heed_headers: shaken.hello.era == Era::Modern && !shaken.link.is_child,
            link: shaken.link,
            next_id: shaken.next_id,
            pending: BTreeMap::new(),
            reporter,
            closing: false,
            startup: Some(shaken.deadline),
            relisten: Relisten::default(),
            given_up: None,
        }
    }

    /// Runs until the link has ended and says why.
    pub async fn run(mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Failure {
        if self.wants_changes {
            self.listen().await;
        }
        loop {
            if let Some(failure) = self.given_up.take() {
                self.link.end().await;
                let failure = self.link.notes.dress(failure);
                return self.ended(failure).await;
            }
            let deadlines = self.pending.values().map(|pending| pending.deadline);
            let deadline = deadlines.chain(self.relisten.at()).min();
            let far = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                biased;
                command = commands.recv(), if !self.closing => match command {
                    Some(command) => self.command(command).await,
                    None => self.close().await,
                },
                inbound = self.link.inbound.recv() => match inbound {
                    Some(Inbound::Closed(failure)) => return self.ended(*failure).await,
                    Some(inbound) => self.inbound(inbound).await,
                    None => {
                        let failure = self.link.end().await;
                        return self.ended(failure).await;
                    }
                },
                () = sleep_until(deadline.unwrap_or(far)) => self.expire().await,
            }
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::List(kind) => self.list(kind).await,
            Command::Probe => self.probe().await,
            Command::Call(request) => self.call(request).await,
            Command::Cancel(call) => self.cancel(call).await,
            Command::Follow(request) => {
                let why = "tasks are not followed yet".to_owned();
                let outcome = CallOutcome::Lost { why };
                self.reporter.finished(request.call, outcome).await;
            }
            Command::Errand(errand, _) => {
                self.reporter
                    .no_errand(errand, "errands are not done yet")
                    .await;
            }
            Command::Reply(..) | Command::RootsChanged => {}
            Command::Close => self.close().await,
        }
    }

    /// Ends the server. Calls under way are over at once, not only when the process has gone.
    async fn close(&mut self) {
        self.closing = true;
        self.link.stop.cancel();
        let why = "the server was stopped from here".to_owned();
        self.finish_all(&why).await;
    }

    async fn ended(mut self, failure: Failure) -> Failure {
        let why = failure.headline();
        self.finish_all(&why).await;
        failure
    }

    async fn finish_all(&mut self, why: &str) {
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.answered(pending, Answer::Ended(why.to_owned())).await;
        }
    }

    /// Asks to be told when the tools change.
    async fn listen(&mut self) {
        let listen = |id| messages::listen_to_tools(id);
        self.ask(Purpose::Listen, Instant::now() + NEVER, listen)
            .await;
    }

    async fn probe(&mut self) {
        let era = self.era;
        self.ask(Purpose::Probe, Instant::now() + PROBE_TIMEOUT, |id| {
            messages::probe(era, id)
        })
        .await;
    }

    async fn call(&mut self, request: CallRequest) {
        let now = Instant::now();
        let under_way = UnderWay {
            call: request.call,
            method: request.method,
            announced: false,
            idle: request.timeout,
            last: now + request.max_total,
        };
        let deadline = (now + request.timeout).min(under_way.last);
        let era = self.era;
        self.ask(Purpose::Call(under_way), deadline, |id| {
            messages::call(era, id, request.method, &request.tool, request.arguments)
        })
        .await;
    }

    /// Puts a request on the way; one that cannot even be queued is answered at once.
    async fn ask(
        &mut self,
        purpose: Purpose,
        deadline: Instant,
        message: impl FnOnce(i64) -> Value,
    ) {
        let id = self.next_id;
        self.next_id += 1;
        let gate = Gate::default();
        let pending = Pending {
            purpose,
            gate: gate.clone(),
            asked: Instant::now(),
            deadline,
        };
        if self.link.send(Some(id), message(id), gate) {
            self.pending.insert(id, pending);
            return;
        }
        let why = match self.link.out.is_closed() {
            true => "the connection has ended",
            false => "the server does not read: too many messages wait for it",
        };
        self.answered(pending, Answer::Failed(false, why.to_owned()))
            .await;
    }

    async fn cancel(&mut self, call: CallId) {
        let is_it = |pending: &Pending| matches!(&pending.purpose, Purpose::Call(under_way) if under_way.call == call);
        let found = self.pending.iter().find(|(_, pending)| is_it(pending));
        let Some(id) = found.map(|(id, _)| *id) else {
            return;
        };
        if let Some(pending) = self.pending.remove(&id) {
            self.withdraw(id, &pending.gate, &messages::cancel_reason(call));
            self.reporter.finished(call, CallOutcome::Cancelled).await;
        }
    }

    /// Tells the server that an answer is no longer awaited, unless the request never left.
    fn withdraw(&self, id: i64, gate: &Gate, reason: &str) {
        if !gate.hold_back() {
            self.link
                .send(None, messages::cancelled(id, reason), Gate::default());
        }
    }

    async fn expire(&mut self) {
        let now = Instant::now();
        if self.relisten.is_due(now) {
            self.listen().await;
            // What changed while nobody listened is not told again.
            let changed = ServerEvent::Changed(ListKind::Tools);
            self.reporter.event(changed).await;
        }
        let due: Vec<i64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some(pending) = self.pending.remove(&id) {
                self.withdraw(id, &pending.gate, "no answer in time");
                self.answered(pending, Answer::TimedOut).await;
            }
        }
    }

    async fn inbound(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message(message) => self.message(message).await,
            Inbound::Sent(id) => self.sent(id).await,
            Inbound::Failed {
                id,
                may_have_left,
                why,
            } => self.answer(id, Answer::Failed(may_have_left, why)).await,
            Inbound::Unreadable { id, why } => self.unreadable(id, &why).await,
            // Recorded at the tap; nobody waits for it. `Closed` is the caller's.
            Inbound::Stray(_) | Inbound::Closed(_) => {}
        }
    }

    async fn sent(&mut self, id: i64) {
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        if let Purpose::Call(under_way) = &mut pending.purpose
            && !under_way.announced
        {
            under_way.announced = true;
            let call = under_way.call;
            let request_id = id.to_string();
            self.reporter
                .call(call, CallEvent::Sent { request_id })
                .await;
        }
    }

    async fn message(&mut self, mut message: Value) {
        if message.get("method").is_some() {
            if message.get("id").is_some() {
                self.link
                    .send(None, messages::answer(&message), Gate::default());
                return;
            }
            return self.notification(&message).await;
        }
        let answer = if let Some(result) = message.get_mut("result") {
            Answer::Result(result.take())
        } else if let Some(error) = message.get("error") {
            let (code, words) = convert::rpc_error(error);
            Answer::Error(code, words)
        } else {
            return;
        };
        match message.get("id").and_then(stdio::id_of) {
            Some(id) => self.answer(id, answer).await,
            None => self.answer_without_id(answer).await,
        }
    }

    async fn answer(&mut self, id: i64, answer: Answer) {
        // Sent before finished, also when the answer overtakes the writer's word.
        if !matches!(answer, Answer::Failed(..)) {
            self.sent(id).await;
        }
        if let Some(pending) = self.pending.remove(&id) {
            self.answered(pending, answer).await;
        }
    }

    /// An error without an id says that the server could not read a request: it is the only one's that waits, if there is only one.
    async fn answer_without_id(&mut self, answer: Answer) {
        let waits = |pending: &Pending| !matches!(pending.purpose, Purpose::Listen);
        let mut waiting = self.pending.iter().filter(|(_, pending)| waits(pending));
        let first = waiting.next().map(|(id, _)| *id);
        if let (Some(id), None) = (first, waiting.next()) {
            self.answer(id, answer).await;
        }
    }

    /// A broken message: the request that it names fails, or, when it names none that waits, each that does. Any of them may
    /// have been answered by it, and none may wait for what will not come.
    async fn unreadable(&mut self, id: Option<i64>, why: &str) {
        let hit: Vec<i64> = match id.filter(|id| self.pending.contains_key(id)) {
            Some(id) => vec![id],
            None if id.is_some() => return,
            None => self.pending.keys().copied().collect(),
        };
        for id in hit {
            self.answer(id, Answer::Unreadable(why.to_owned())).await;
        }
    }

    async fn notification(&mut self, message: &Value) {
        let none = Value::Object(Map::new());
        let params = message.get("params").unwrap_or(&none);
        match message.get("method").and_then(Value::as_str) {
            Some("notifications/progress") => self.progress(params).await,
            Some("notifications/message") => {
                let (level, text) = convert::log_message(params);
                self.reporter.event(ServerEvent::Log { level, text }).await;
            }
            Some("notifications/tools/list_changed") => {
                let changed = ServerEvent::Changed(ListKind::Tools);
                self.reporter.event(changed).await;
            }
            // Others concern what this client does not show yet; the tap has them.
            _ => {}
        }
    }

    async fn progress(&mut self, params: &Value) {
        let id = params.get("progressToken").and_then(stdio::id_of);
        let Some(id) = id.filter(|id| self.pending.contains_key(id)) else {
            return;
        };
        self.sent(id).await;
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        if let Purpose::Call(under_way) = &pending.purpose {
            pending.deadline = (Instant::now() + under_way.idle).min(under_way.last);
            let call = under_way.call;
            if let Some(progress) = convert::progress(params) {
                self.reporter
                    .call(call, CallEvent::Progress(progress))
                    .await;
            }
        }
    }

    /// Reports what came of a request that no longer waits.
    async fn answered(&mut self, pending: Pending, answer: Answer) {
        let waited = pending.asked.elapsed();
        match pending.purpose {
            Purpose::Call(under_way) => {
                let outcome = outcome(answer, under_way.method, &pending.gate, waited);
                self.reporter.finished(under_way.call, outcome).await;
            }
            Purpose::List(pages) => self.page(pages, answer).await,
            Purpose::Listen => match answer {
                // A server that will not tell is not asked again, and one that has gone cannot be.
                Answer::Error(..) | Answer::Ended(_) => {}
                Answer::Result(_)
                | Answer::Unreadable(_)
                | Answer::Failed(..)
                | Answer::TimedOut => self.relisten.over(pending.asked, Instant::now()),
            },
            Purpose::Probe => {
                // An error is an answer: the server lives.
                let lives = matches!(answer, Answer::Result(_) | Answer::Error(..));
                let millis = u64::try_from(waited.as_millis()).ok().filter(|_| lives);
                self.reporter.event(ServerEvent::Probed { millis }).await;
            }
        }
    }
}

/// Whether the server says that it tells when its tools change.
fn tells_changes(hello: &Hello) -> bool {
    let tools = hello.capabilities.get("tools");
    tools.and_then(|tools| tools.get("listChanged")) == Some(&Value::Bool(true))
}
