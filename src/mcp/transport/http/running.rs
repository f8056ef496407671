//! The exchanges of one link that are under way: which request each carries, and what must wait for what.
//!
//! Dropping it ends all of them. Used by `pump` and `old`.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::post::{Ended, cancels};
use super::shared::{Asked, method_of};
use crate::mcp::transport::Outgoing;

/// How many exchanges may be under way at once; what is more waits in the link's queue, which is bounded too.
const MOST: usize = 512;
/// How long what follows waits until `initialized` has been taken. Sent at the same time it could arrive before.
const BEHIND_INITIALIZED: Duration = Duration::from_secs(5);

/// The exchanges under way.
#[derive(Default)]
pub struct Running {
    set: JoinSet<Ended>,
    tasks: HashMap<Id, Task>,
    requests: HashMap<i64, AbortHandle>,
    barrier: Option<(Id, Instant)>,
}

#[derive(Default)]
struct Task {
    asked: Option<i64>,
    cancels: Option<i64>,
}

/// What has come about.
#[derive(Default)]
pub struct Done {
    /// How an exchange ended.
    pub ended: Ended,
    /// A request whose exchange failed by a fault of ours.
    pub broken: Option<i64>,
    /// `initialized` has been taken, or does not hold up others any longer.
    pub initialized: bool,
}

impl Running {
    /// Whether another message may leave now.
    pub fn has_room(&self) -> bool {
        self.barrier.is_none() && self.set.len() < MOST
    }

    /// Begins the exchange of a message.
    pub fn send<F>(&mut self, outgoing: Outgoing, exchange: impl FnOnce(Outgoing) -> F)
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        // What a person wrote stands for none of our requests.
        if outgoing.raw.is_some() {
            return self.also(exchange(outgoing));
        }
        let task = Task {
            asked: Asked::of(&outgoing.message).map(|asked| asked.id),
            cancels: cancels(&outgoing.message),
        };
        let is_initialized = method_of(&outgoing.message) == Some("notifications/initialized");
        let handle = self.set.spawn(exchange(outgoing));
        if is_initialized {
            self.barrier = Some((handle.id(), Instant::now() + BEHIND_INITIALIZED));
        }
        let id = handle.id();
        if let Some(request) = task.asked {
            self.requests.insert(request, handle);
        }
        self.tasks.insert(id, task);
    }

    /// Begins something that no message began.
    pub fn also(&mut self, exchange: impl Future<Output = Ended> + Send + 'static) {
        let handle = self.set.spawn(exchange);
        self.tasks.insert(handle.id(), Task::default());
    }

    /// Ends the exchange of a request, which closes its stream.
    pub fn abort(&mut self, request: i64) {
        if let Some(handle) = self.requests.remove(&request) {
            handle.abort();
        }
    }

    /// Waits for the next thing to come about; for ever while nothing is under way.
    pub async fn next(&mut self) -> Done {
        let far = Instant::now() + Duration::from_secs(3600);
        let until = self.barrier.map_or(far, |(_, until)| until);
        tokio::select! {
            biased;
            Some(joined) = self.set.join_next_with_id(), if !self.set.is_empty() => self.joined(joined),
            () = sleep_until(until) => Done {
                initialized: self.barrier.take().is_some(),
                ..Done::default()
            },
        }
    }

    fn joined(&mut self, joined: Result<(Id, Ended), JoinError>) -> Done {
        let (id, ended, is_broken) = match joined {
            Ok((id, ended)) => (id, ended, false),
            Err(error) => (error.id(), Ended::default(), error.is_panic()),
        };
        let task = self.tasks.remove(&id).unwrap_or_default();
        if let Some(request) = task.asked
            && self
                .requests
                .get(&request)
                .is_some_and(|handle| handle.id() == id)
        {
            self.requests.remove(&request);
        }
        // The server has been told; what it still says of that request nobody waits for.
        if let Some(request) = task.cancels {
            self.abort(request);
        }
        let initialized = self
            .barrier
            .take_if(|(barrier, _)| *barrier == id)
            .is_some();
        Done {
            ended,
            broken: task.asked.filter(|_| is_broken),
            initialized,
        }
    }

    /// Ends all of them.
    pub async fn end(&mut self) {
        self.set.shutdown().await;
    }
}
