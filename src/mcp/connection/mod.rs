//! One connection to one server, from the dial to the end of its process: the door between events and the protocol.
//!
//! [`dial`] returns at once; a task of its own shakes hands (`handshake`), carries calls (`session`) and reports what happens. It
//! never dials again and never repeats a request by itself: that is the lifecycle machine's to decide.

mod asks;
mod handshake;
pub mod launch;
mod messages;
mod pending;
mod relisten;
mod rounds;
mod session;
mod streams;
mod task;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use self::asks::Asks;
use crate::config::ServerSpec;
use crate::ids::{AskId, CallId, ErrandId, Generation, ServerName};
use crate::mcp::ask::Reply;
use crate::mcp::auth::Authorizer;
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::request::{Errand, ErrandEnd, ListKind, Method};
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Era;
use crate::mcp::transport::meddler::Meddler;
use crate::mcp::transport::{Notes, send_heavy};
use crate::mcp::wire::Tap;
use crate::mcp::wire::redact::Redactor;
use crate::mcp::wire::secrets;

/// Bytes for which one place in the channel of [`Reports`] stands.
pub const REPORT_PLACE: usize = 64 * 1024;

/// Where a connection's events go: bounded, and every one is delivered.
pub type Reports = mpsc::Sender<(ServerName, Generation, ServerEvent)>;

/// What is needed to dial a server.
#[derive(Debug, Clone)]
pub struct Dial {
    /// The server.
    pub spec: ServerSpec,
    /// The number of this connection.
    pub generation: Generation,
    /// The binary that runs bundled servers.
    pub own_binary: PathBuf,
    /// What sees everything that passes.
    pub tap: Tap,
    /// The era that this server spoke last time, to save a question.
    pub remembered_era: Option<Era>,
    /// Who we are to a server at a URL.
    pub authorizer: Authorizer,
    /// The faults of the lab, off as a rule.
    pub faults: Meddler,
}

/// One tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// The call's number, for its events.
    pub call: CallId,
    /// What is asked for.
    pub method: Method,
    /// The server's own name of the tool or prompt, or the resource's URI.
    pub tool: String,
    /// The arguments, sent exactly as they are here.
    pub arguments: Map<String, Value>,
    /// How long without answer or progress.
    pub timeout: Duration,
    /// How long at all, whatever the progress.
    pub max_total: Duration,
    /// The trace that it belongs to, in the form of W3C's `traceparent`: goes along in `_meta`.
    pub trace: Option<String>,
}

/// A call that an earlier connection began as a task, to be followed to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowRequest {
    /// The call's number, for its events.
    pub call: CallId,
    /// The server's id of the task.
    pub task: String,
    /// How long without a word from the task.
    pub timeout: Duration,
    /// How long at all.
    pub max_total: Duration,
}

/// A connection under way. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Command {
    List(ListKind),
    Probe,
    Call(CallRequest),
    Follow(FollowRequest),
    Cancel(CallId),
    Errand(ErrandId, Errand),
    Reply(AskId, Reply),
    RootsChanged,
    Close,
}

/// Dials a server. The first report is `Connected` or `Ended`, the last one `Ended`.
///
/// Must be called inside a tokio runtime.
pub fn dial(dial: Dial, reports: Reports) -> Connection {
    // Unbounded, because nothing here may wait; what is in it is bounded by what a person or an agent asks for.
    let (commands, queue) = mpsc::unbounded_channel();
    let reporter = Reporter {
        reports,
        server: dial.spec.name.clone(),
        generation: dial.generation,
    };
    let task = tokio::spawn(watched(dial, reporter, queue));
    Connection { commands, task }
}

/// Runs a connection, and reports its end also when a fault of ours stops it: nothing may wait for it for ever.
async fn watched(dial: Dial, reporter: Reporter, commands: mpsc::UnboundedReceiver<Command>) {
    let running = AssertUnwindSafe(run(dial, reporter.clone(), commands));
    if running.catch_unwind().await.is_err() {
        let mut failure = Failure::new(
            FailureKind::Protocol,
            "mcpdeck failed while it spoke with the server",
        );
        failure.hint = Some(
            "this is a fault of mcpdeck: please report it, with the lines it printed".to_owned(),
        );
        reporter.event(ServerEvent::Ended(Box::new(failure))).await;
    }
}

impl Connection {
    /// Reads a list to its last page; reports `Listed` or `ListFailed`.
    pub fn list(&self, kind: ListKind) {
        self.command(Command::List(kind));
    }

    /// Asks whether the server lives: `ping`, or `server/discover` in the era without it; reports `Probed`.
    pub fn probe(&self) {
        self.command(Command::Probe);
    }

    /// Sends a call; reports `Sent`, progress, and exactly one `Finished`. A call made after `Ended` is reported by nobody.
    pub fn call(&self, request: CallRequest) {
        self.command(Command::Call(request));
    }

    /// Follows the task of a call; reports progress and exactly one `Finished`, as for a call.
    pub fn follow(&self, request: FollowRequest) {
        self.command(Command::Follow(request));
    }

    /// Does an errand; reports exactly one `Errand`.
    pub fn errand(&self, errand: ErrandId, what: Errand) {
        self.command(Command::Errand(errand, what));
    }

    /// Answers a question of the server. An answer to a question that it has withdrawn goes nowhere.
    pub fn reply(&self, ask: AskId, reply: Reply) {
        self.command(Command::Reply(ask, reply));
    }

    /// Tells the server that the roots have changed, where its era has a word for that.
    pub fn roots_changed(&self) {
        self.command(Command::RootsChanged);
    }

    /// Cancels a call: it is reported as `Cancelled` at once and the server is told. The server goes on.
    pub fn cancel(&self, call: CallId) {
        self.command(Command::Cancel(call));
    }

    /// Ends the connection and the server's process.
    pub fn close(&self) {
        self.command(Command::Close);
    }

    /// Closes the connection where that is not done, and waits until the process group and all tasks are gone.
    pub async fn closed(self) {
        self.close();
        let _task_panicked = self.task.await;
    }

    fn command(&self, command: Command) {
        // A connection that has ended has said so; there is nobody left to command.
        let _ended = self.commands.send(command);
    }
}

/// Sends the events of one connection.
#[derive(Debug, Clone)]
struct Reporter {
    reports: Reports,
    server: ServerName,
    generation: Generation,
}

impl Reporter {
    async fn event(&self, event: ServerEvent) {
        let weight = event.weight();
        let report = (self.server.clone(), self.generation, event);
        // Nobody listens any more: the program is ending.
        let _deaf = send_heavy(&self.reports, report, weight, REPORT_PLACE).await;
    }

    /// What the server has printed on its stdout that is no message.
    async fn strays(&self, notes: &Notes) {
        for line in notes.fresh_strays() {
            self.event(ServerEvent::Stray { line }).await;
        }
    }

    async fn call(&self, call: CallId, event: CallEvent) {
        self.event(ServerEvent::Call(call, event)).await;
    }

    async fn no_errand(&self, errand: ErrandId, why: &str) {
        let why = why.to_owned();
        self.event(ServerEvent::Errand(errand, ErrandEnd::Failed { why }))
            .await;
    }

    async fn finished(&self, call: CallId, outcome: CallOutcome) {
        self.call(call, CallEvent::Finished(outcome)).await;
    }
}

/// What a server asks before it is connected, and what it is answered.
struct Early {
    asks: Asks,
    reporter: Reporter,
    replies: mpsc::UnboundedReceiver<(AskId, Reply)>,
}

async fn run(dial: Dial, reporter: Reporter, mut commands: mpsc::UnboundedReceiver<Command>) {
    let tasks = TaskTracker::new();
    let (answers, replies) = mpsc::unbounded_channel();
    let mut early = Early {
        asks: Asks::default(),
        reporter: reporter.clone(),
        replies,
    };
    if let Ok(Some(how)) = launch::confinement(&dial) {
        reporter.event(ServerEvent::Confined(how)).await;
    }
    let failure = match shake_hands(&dial, &mut early, &mut commands, &answers, &tasks).await {
        Ok(shaken) => {
            let hello = Box::new(shaken.hello.clone());
            reporter.event(ServerEvent::Connected(hello)).await;
            let late = std::iter::from_fn(|| early.replies.try_recv().ok()).collect();
            session::Session::new(shaken, early.asks, reporter.clone())
                .run(&mut commands, late)
                .await
        }
        Err(failure) => *failure,
    };
    refuse_the_rest(&mut commands, &reporter, &failure).await;
    tasks.close();
    tasks.wait().await;
    reporter.event(ServerEvent::Ended(Box::new(failure))).await;
}

/// The handshake, with the start-up timeout over all of it, while commands are answered.
async fn shake_hands(
    dial: &Dial,
    early: &mut Early,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    answers: &mpsc::UnboundedSender<(AskId, Reply)>,
    tasks: &TaskTracker,
) -> Result<handshake::Shaken, Box<Failure>> {
    let tap = dial.tap.connection(
        dial.spec.name.clone(),
        dial.generation,
        Redactor::new(
            secrets::of(&dial.spec.launch, |name| std::env::var(name).ok())
                .iter()
                .map(String::as_str),
        ),
    );
    let reporter = early.reporter.clone();
    let mut shaking = std::pin::pin!(handshake::connect(dial, &tap, tasks, early));
    loop {
        tokio::select! {
            biased;
            outcome = &mut shaking => return outcome,
            command = commands.recv() => match command {
                Some(Command::Close) | None => {
                    return Err(Box::new(Failure::new(
                        FailureKind::Stopped,
                        "the server was stopped before it was ready",
                    )));
                }
                Some(Command::Call(request)) => {
                    let why = "the server is not connected yet".to_owned();
                    reporter.finished(request.call, CallOutcome::NotSent { why }).await;
                }
                Some(Command::Follow(request)) => {
                    let why = "the server is not connected yet".to_owned();
                    reporter.finished(request.call, CallOutcome::Lost { why }).await;
                }
                Some(Command::Errand(errand, _)) => reporter.no_errand(errand, "the server is not connected yet").await,
                // The handshake holds the other end; it sends the answer on.
                Some(Command::Reply(ask, reply)) => drop(answers.send((ask, reply))),
                // Nothing to list, to probe or to cancel yet; the host asks again once it is connected.
                Some(Command::List(_) | Command::Probe | Command::Cancel(_) | Command::RootsChanged) => {}
            },
        }
    }
}

/// Calls that were asked for while the connection ended: nothing of them left.
async fn refuse_the_rest(
    commands: &mut mpsc::UnboundedReceiver<Command>,
    reporter: &Reporter,
    failure: &Failure,
) {
    commands.close();
    while let Some(command) = commands.recv().await {
        let why = failure.headline();
        match command {
            Command::Call(request) => {
                let outcome = CallOutcome::NotSent { why };
                reporter.finished(request.call, outcome).await;
            }
            Command::Follow(request) => {
                let outcome = CallOutcome::Lost { why };
                reporter.finished(request.call, outcome).await;
            }
            Command::Errand(errand, _) => reporter.no_errand(errand, &why).await,
            Command::List(_)
            | Command::Probe
            | Command::Cancel(_)
            | Command::Reply(..)
            | Command::RootsChanged
            | Command::Close => {}
        }
    }
}
