//! A bounded pool of connections, lent for one piece of work at a time.
//!
//! What is lent is clean: whatever the work leaves (a transaction, settings, locks, cursors, temporary tables) is taken away when
//! it is given back, and a connection where that fails is closed. A dead one is replaced before anything is sent on it. Nothing
//! that was sent is ever sent again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Client as Lent, Hook, HookError, Manager, ManagerConfig, Pool, PoolConfig, PoolError,
    RecyclingMethod, Runtime as Kind, Timeouts,
};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Error};
use tokio_util::sync::CancellationToken;

use crate::servers::postgres::dial::Dial;
use crate::servers::postgres::words::in_words;
use crate::servers::postgres::{Address, Role};

/// Connections at most. A server gives about a hundred to all its clients, and several of us may share it.
const CONNECTIONS: usize = 8;

/// How long a cancelled statement, and the cleaning, may take before the connection is closed instead.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a request to cancel is given before it is made again.
const AGAIN: Duration = Duration::from_millis(200);

/// How long a connection may lie idle before it is asked whether it lives.
const LONG: Duration = Duration::from_secs(30);

/// Leaves a session as it was when it began. `DISCARD ALL` would also forget the statements by which the driver looks up types.
const CLEAN: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// Connections to one database, and the runtime that they live on.
pub struct Postgres {
    /// Taken out when the last user is gone.
    runtime: Mutex<Option<Runtime>>,
    handle: tokio::runtime::Handle,
    pool: Pool,
    dial: Dial,
    shown: String,
    time: Duration,
}

/// Why a piece of work did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// No connection could be had; nothing was sent.
    Connect(String),
    /// The time was up; what ran was ended.
    Time,
    /// The client cancelled; what ran was ended.
    Stopped,
    /// The connection broke; what had been sent may have run.
    Lost,
    /// One answer was larger than `ANSWER_LIMIT`.
    TooLarge,
    /// The server refused.
    Engine(Box<Error>),
    /// We refuse.
    Ours(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        // With no word of the server it is the connection that failed. A session that the server ends says so first.
        match error.as_db_error() {
            None if error.is_closed() || has_io(&error) => Self::Lost,
            Some(said) if matches!(said.code().code(), "57P01" | "57P02" | "57P03" | "25P03") => {
                Self::Lost
            }
            _ => Self::Engine(Box::new(error)),
        }
    }
}

fn has_io(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.is::<std::io::Error>())
}

impl Postgres {
    /// Connects once and looks at the role.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or the role may do too much and `trust_role` is not set; without the password.
    pub fn open(address: Address, trust_role: bool) -> Result<(Self, Role), String> {
        // On a thread of its own, because the caller may be a thread that must not wait.
        let open = move || {
            let postgres = Self::prepare(address)?;
            let role = postgres.look_at_role(trust_role)?;
            Ok((postgres, role))
        };
        let opened = std::thread::spawn(open).join();
        opened.unwrap_or_else(|_| Err("the driver broke off".to_owned()))
    }

    fn prepare(address: Address) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let (shown, time) = (address.shown(), address.connect_timeout);
        let dial = Dial::new(address)?;
        let rules = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(dial.config(), dial.clone(), rules);
        let pool = Pool::builder(manager)
            .config(PoolConfig::new(CONNECTIONS))
            .runtime(Kind::Tokio1)
            .timeouts(Timeouts {
                wait: None,
                create: Some(time),
                recycle: Some(time),
            })
            .pre_recycle(still_there())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            pool,
            dial,
            shown,
            time,
        })
    }

    fn look_at_role(&self, trust_role: bool) -> Result<Role, String> {
        let never = CancellationToken::new();
        let role = self.run(self.time * 2, &never, async |client| {
            Role::read(client).await
        });
        let role = role.map_err(|trouble| match trouble {
            Trouble::Engine(error) => in_words(&error, |_| String::new()),
            Trouble::Connect(why) | Trouble::Ours(why) => why,
            Trouble::Time | Trouble::Stopped => "it did not answer in time".to_owned(),
            Trouble::Lost | Trouble::TooLarge => "the connection broke".to_owned(),
        })?;
        match role.refusal() {
            Some(why) if !trust_role => Err(why),
            _ => Ok(role),
        }
    }

    /// The database in words, without the password.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Lends a connection to `work` and waits for it. At the end of `time`, or when `stop` is cancelled, what runs on the server is
    /// ended. Blocks; must not be called on a thread of an asynchronous runtime.
    ///
    /// # Errors
    /// What `work` fails with, or why it was ended. Its transaction is rolled back unless it committed it.
    pub fn run<T>(
        &self,
        time: Duration,
        stop: &CancellationToken,
        work: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.handle.block_on(self.bounded(time, stop, work, false))
    }

    /// The same on a connection that nobody gets afterwards: for work that may leave more behind than can be taken away.
    ///
    /// # Errors
    /// As with `run`.
    pub fn run_apart<T>(
        &self,
        time: Duration,
        stop: &CancellationToken,
        work: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.handle.block_on(self.bounded(time, stop, work, true))
    }

    async fn bounded<T>(
        &self,
        time: Duration,
        stop: &CancellationToken,
        work: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
        apart: bool,
    ) -> Result<T, Trouble> {
        let end = tokio::time::sleep(time);
        tokio::pin!(end);
        let lent = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Trouble::Stopped),
            lent = self.lend() => lent?,
            () = &mut end => return Err(Trouble::Connect(format!(
                "no connection was to be had within {} s", time.as_secs_f32()
            ))),
        };
        let large = self.dial.too_large();
        let (outcome, cancelled) = self.watched(&lent, work(&lent), end, stop).await;
        // A request to cancel may still be on its way, and would hit whoever gets the connection next.
        if apart || cancelled {
            drop(Lent::take(lent));
        } else {
            give_back(lent).await;
        }
        match outcome {
            Err(Trouble::Lost) if self.dial.too_large() > large => Err(Trouble::TooLarge),
            outcome => outcome,
        }
    }

    async fn lend(&self) -> Result<Lent, Trouble> {
        self.pool.get().await.map_err(|error| {
            Trouble::Connect(match error {
                PoolError::Backend(error) => in_words(&error, |_| String::new()),
                PoolError::Timeout(_) => {
                    format!("it did not answer within {} s", self.time.as_secs_f32())
                }
                other => other.to_string(),
            })
        })
    }

    /// Waits for `work` until the end of its time or the client's word, then ends what runs on the server. Says also whether it
    /// asked the server to cancel.
    async fn watched<T>(
        &self,
        client: &Client,
        work: impl Future<Output = Result<T, Trouble>>,
        end: impl Future<Output = ()>,
        stop: &CancellationToken,
    ) -> (Result<T, Trouble>, bool) {
        tokio::pin!(work);
        let why = tokio::select! {
            biased;
            () = stop.cancelled() => Trouble::Stopped,
            outcome = &mut work => return (outcome, false),
            () = end => Trouble::Time,
        };
        let token = client.cancel_token();
        let ending = async {
            loop {
                self.dial.cancel(&token).await;
                // A request may fall between two statements; then the next one is to be ended.
                if let Ok(outcome) = tokio::time::timeout(AGAIN, &mut work).await {
                    return outcome;
                }
            }
        };
        let outcome = match tokio::time::timeout(PATIENCE, ending).await {
            // It had come to its end all the same.
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) | Err(_) => Err(why),
        };
        (outcome, true)
    }
}

/// Cleans a connection for the next call, or closes it where that cannot be done.
async fn give_back(lent: Lent) {
    let cleaned = async { !lent.is_closed() && lent.batch_execute(CLEAN).await.is_ok() };
    if !tokio::time::timeout(PATIENCE, cleaned)
        .await
        .unwrap_or(false)
    {
        drop(Lent::take(lent));
    }
}

/// Asks a connection that lay idle for long whether it still lives: a way that was cut in between says nothing by itself.
fn still_there() -> Hook {
    Hook::async_fn(|client, metrics| {
        Box::pin(async move {
            if metrics.last_used() < LONG {
                return Ok(());
            }
            let asked = tokio::time::timeout(PATIENCE, client.simple_query("")).await;
            match asked {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(HookError::Backend(error)),
                Err(_) => Err(HookError::message("no answer")),
            }
        })
    })
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        // A runtime must not wait for its tasks where this may be called.
        if let Some(runtime) = runtime.take() {
            runtime.shutdown_background();
        }
    }
}
