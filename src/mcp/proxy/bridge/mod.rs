//! Clients over HTTP in front of a server that speaks on pipes: a child process for each session, one shared by all clients of the
//! era without sessions.
//!
//! Impure. A session begins with the client's `initialize` and ends with its `DELETE`, with its process, when nobody has used it
//! for long, or when all places are taken, another client comes and nobody has used it for longer than any other.

mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio_util::task::TaskTracker;

use crate::ids::{Generation, ServerName};
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::proxy::bridge::session::lock;
use crate::mcp::proxy::token::Token;
use crate::mcp::transport::child::Program;
use crate::mcp::transport::stdio;
use crate::mcp::wire::redact::Redactor;
use crate::mcp::wire::tap::Tap;

pub use session::{Piece, Session, Stream};

/// Sessions at a time; each is a process.
const MOST_SESSIONS: usize = 64;

/// What is started for a session.
#[derive(Debug)]
pub struct Source {
    /// The program.
    pub program: Program,
    /// What sees every frame.
    pub tap: Tap,
    /// The server's name in what is recorded.
    pub name: ServerName,
    /// What must not be recorded.
    pub secrets: Vec<String>,
}

/// All sessions of one proxy.
#[derive(Debug)]
pub struct Bridge {
    source: Source,
    tasks: TaskTracker,
    sessions: Arc<Mutex<Sessions>>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<String, Session>,
    shared: Option<Session>,
    started: u64,
}

/// Why there is no session.
#[derive(Debug)]
pub enum NoSession {
    /// There are too many, and somebody waits in each.
    Full,
    /// The program cannot be started, or there are no random numbers.
    Failed(Box<Failure>),
}

impl Sessions {
    /// Room for one more: clients that go without a word leave their sessions behind, so the one that nobody has waited in for the
    /// longest time makes way.
    fn make_room(&mut self) -> Result<(), NoSession> {
        self.by_id.retain(|_, session| session.lives());
        if self.by_id.len() < MOST_SESSIONS {
            return Ok(());
        }
        let idle = self.by_id.iter();
        let idle = idle.filter_map(|(id, session)| Some((session.idle_since()?, id)));
        let longest = idle.min().map(|(_, id)| id.clone());
        let gone = longest.and_then(|id| self.by_id.remove(&id));
        gone.ok_or(NoSession::Full)?.end();
        Ok(())
    }
}

impl Bridge {
    /// No session yet.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            tasks: TaskTracker::new(),
            sessions: Arc::default(),
        }
    }

    /// A session of this id, while it lives.
    pub fn session(&self, id: &str) -> Option<Session> {
        let sessions = lock(&self.sessions);
        let found = sessions.by_id.get(id).filter(|session| session.lives());
        found.cloned()
    }

    /// Starts a process for one client and gives its new session.
    ///
    /// # Errors
    /// See [`NoSession`].
    pub fn begin(&self) -> Result<(String, Session), NoSession> {
        let id = Token::random().map_err(|why| {
            let kind = FailureKind::Spawn;
            NoSession::Failed(Box::new(Failure::new(kind, why)))
        })?;
        let id = id.expose().to_owned();
        let mut sessions = lock(&self.sessions);
        sessions.make_room()?;
        let session = self.start(&mut sessions, false)?;
        sessions.by_id.insert(id.clone(), session.clone());
        Ok((id, session))
    }

    /// The process that all clients of the era without sessions share; started when there is none.
    ///
    /// # Errors
    /// See [`NoSession`].
    pub fn shared(&self) -> Result<Session, NoSession> {
        let mut sessions = lock(&self.sessions);
        if let Some(session) = sessions.shared.as_ref().filter(|session| session.lives()) {
            return Ok(session.clone());
        }
        let session = self.start(&mut sessions, true)?;
        sessions.shared = Some(session.clone());
        Ok(session)
    }

    fn start(&self, sessions: &mut Sessions, shared: bool) -> Result<Session, NoSession> {
        sessions.started += 1;
        let source = &self.source;
        let redactor = Redactor::new(source.secrets.iter().map(String::as_str));
        let generation = Generation(sessions.started);
        let tap = source
            .tap
            .connection(source.name.clone(), generation, redactor);
        let link =
            stdio::start_verbatim(&source.program, &tap, &self.tasks).map_err(NoSession::Failed)?;
        let session = Session::over(&link, shared);
        self.tasks.spawn(session.clone().keep(link));
        Ok(session)
    }

    /// Ends a session; whether there was one.
    pub fn end(&self, id: &str) -> bool {
        let gone = lock(&self.sessions).by_id.remove(id);
        gone.is_some_and(|session| {
            session.end();
            session.lives()
        })
    }

    /// Ends all sessions and waits until their processes have ended.
    pub async fn close(&self) {
        {
            let mut sessions = lock(&self.sessions);
            let all = std::mem::take(&mut *sessions);
            for session in all.by_id.into_values().chain(all.shared) {
                session.end();
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}
