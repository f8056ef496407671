//! From the launch to a server that is ready to be asked, in whichever era it speaks.
//!
//! `protocol = "auto"` asks `server/discover` first. A server of the old era mostly answers "method not found" at once, and then
//! `initialize` follows in the same process. When it is silent for a moment, because it ignores what it does not know or starts
//! slowly, `initialize` is sent behind it without waiting for the 10 s that libraries wait; a late answer to the first question is
//! dropped, unless `initialize` is refused and it says that the server is modern. A child that ends, answers with something else
//! or refuses both is replaced by a fresh process that hears `initialize` as its first word: some servers cannot bear another one.

mod eras;
mod talk;

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::talk::Talk;
use super::{Early, launch, messages};
use crate::config::ProtocolChoice;
use crate::mcp::connection::Dial;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::Failure;
use crate::mcp::start::StartWord;
use crate::mcp::status::{Era, Hello};
use crate::mcp::transport::Link;
use crate::mcp::wire::tap::ConnectionTap;

/// How long the stream for the server's own requests may take to open. A request sent into a closed one would be lost.
const SETTLE: Duration = Duration::from_secs(2);
/// So many times the handshake, where that is longer: a machine that has much to do is slow at both.
const SLOWER: u32 = 10;
/// And never longer than this.
const LONGEST_SETTLE: Duration = Duration::from_secs(8);

/// A handshake that is done.
pub struct Shaken {
    /// The way to the server.
    pub link: Link,
    /// What it said of itself.
    pub hello: Hello,
    /// The first free request id.
    pub next_id: i64,
    /// When the first listing must be over.
    pub deadline: Instant,
}

/// What to ask first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Discover,
    Initialize,
}

/// Why a handshake did not come about.
enum Refusal {
    /// Worth another try with a fresh process or session and the other question.
    TryFresh(Box<Failure>),
    /// Nothing else would help.
    Final(Box<Failure>),
}

/// Dials and shakes hands within the server's start-up timeout.
pub async fn connect(
    dial: &Dial,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
    early: &mut Early,
) -> Result<Shaken, Box<Failure>> {
    let deadline = Instant::now() + dial.spec.startup_timeout;
    let (first, may_fall_back) = match (dial.spec.protocol, dial.remembered_era) {
        (ProtocolChoice::Legacy, _) => (First::Initialize, false),
        (ProtocolChoice::Modern, _) => (First::Discover, false),
        (ProtocolChoice::Auto, Some(Era::Legacy)) => (First::Initialize, true),
        (ProtocolChoice::Auto, _) => (First::Discover, true),
    };
    let failure = match attempt(dial, tap, tasks, early, (deadline, first, may_fall_back)).await {
        Ok(shaken) => return Ok(shaken),
        Err(Refusal::Final(failure)) => return Err(failure),
        Err(Refusal::TryFresh(failure)) if !may_fall_back => return Err(forced(failure, first)),
        Err(Refusal::TryFresh(failure)) => failure,
    };
    let second = match first {
        First::Discover => First::Initialize,
        First::Initialize => First::Discover,
    };
    match attempt(dial, tap, tasks, early, (deadline, second, false)).await {
        Ok(shaken) => Ok(shaken),
        // The era that was remembered tells more of what is wrong than the one that was only guessed.
        Err(_) if first == First::Initialize => Err(failure),
        Err(Refusal::TryFresh(failure) | Refusal::Final(failure)) => Err(failure),
    }
}

/// A refusal where the configuration leaves no other way: where it forces the new era, that may be what is wrong.
fn forced(mut failure: Box<Failure>, first: First) -> Box<Failure> {
    if first == First::Discover {
        failure.hint.get_or_insert_with(|| {
            "set `protocol = \"auto\"` for this server: `protocol = \"modern\"` is for those that speak 2026-07-28"
                .to_owned()
        });
    }
    failure
}

async fn attempt(
    dial: &Dial,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
    early: &mut Early,
    (deadline, first, both): (Instant, First, bool),
) -> Result<Shaken, Refusal> {
    let opening = ServerEvent::Start(StartWord::Opening);
    early.reporter.event(opening).await;
    let link = launch::open(dial, tap, tasks).map_err(Refusal::Final)?;
    let mut talk = Talk {
        link,
        early,
        deadline,
        started: Instant::now(),
        next_id: 0,
        asked: Vec::new(),
        words: vec![StartWord::Opened],
    };
    let outcome = match first {
        First::Initialize => talk.initialize(messages::LEGACY).await,
        First::Discover if both && talk.link.is_child => talk.both().await,
        First::Discover => talk.discover(both).await,
    };
    talk.report().await;
    match outcome {
        Ok(hello) => {
            if hello.era == Era::Legacy {
                // Where the handshake took long, so does the stream.
                let wait = SETTLE
                    .max(talk.started.elapsed() * SLOWER)
                    .min(LONGEST_SETTLE);
                talk.link.settled(wait).await;
            }
            Ok(Shaken {
                link: talk.link,
                hello,
                next_id: talk.next_id,
                deadline,
            })
        }
        Err(refusal) => Err(talk.give_up(refusal).await),
    }
}
