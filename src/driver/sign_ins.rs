//! Sign-ins at servers: who we are to each of them, and the tasks that wait for a person.
//!
//! One authorizer for a server as long as its table says the same, so that what a refusal said is known when the sign-in begins.
//! A server of the same name at another place is another server: it never gets the authorizer of the one before.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Config, HttpLaunch, Launch, ServerSpec};
use crate::host::{Effect, HostEvent, SignInEvent};
use crate::ids::ServerName;
use crate::mcp::auth::{Authorizer, SignIn, SignInError, Store};

/// How long a person may take. An authorization server forgets a sign-in sooner than that.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Who we are to the servers.
#[derive(Debug)]
pub struct SignIns {
    store: Store,
    authorizers: HashMap<ServerName, (HttpLaunch, Authorizer)>,
    under_way: HashMap<ServerName, UnderWay>,
}

/// A task that waits for a person.
#[derive(Debug)]
struct UnderWay {
    pasted: mpsc::Sender<String>,
    task: AbortHandle,
}

impl SignIns {
    /// Nobody to anybody yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            authorizers: HashMap::new(),
            under_way: HashMap::new(),
        }
    }

    /// Who we are to this server.
    pub fn authorizer(&mut self, spec: &ServerSpec) -> Authorizer {
        let Launch::Http(launch) = &spec.launch else {
            return Authorizer::default();
        };
        if let Some((of, known)) = self.authorizers.get(&spec.name)
            && of == launch
        {
            return known.clone();
        }
        let new = Authorizer::of(launch, self.store.clone());
        let kept = (launch.clone(), new.clone());
        self.authorizers.insert(spec.name.clone(), kept);
        new
    }

    /// Another configuration: who we are to servers that are gone or elsewhere now is forgotten, and nobody waits for a sign-in there.
    pub fn reconfigure(&mut self, config: &Config) {
        let is_there = |name: &ServerName, of: &HttpLaunch| {
            config.servers.iter().any(
                |spec| matches!(&spec.launch, Launch::Http(launch) if &spec.name == name && launch == of),
            )
        };
        let others = self.authorizers.iter();
        let others = others.filter(|(name, (of, _))| !is_there(name, of));
        let others: Vec<ServerName> = others.map(|(name, _)| name.clone()).collect();
        for name in others {
            self.authorizers.remove(&name);
            self.abort(&name);
        }
    }

    /// Carries out what is about a sign-in. Never waits.
    pub fn perform(
        &mut self,
        effect: Effect,
        authorizer: Authorizer,
        events: &mpsc::Sender<HostEvent>,
        tasks: &mut JoinSet<()>,
    ) {
        self.under_way.retain(|_, one| !one.task.is_finished());
        let events = events.clone();
        match effect {
            Effect::SignIn { server } => {
                self.abort(&server);
                let (pasted, from_person) = mpsc::channel(1);
                let task = tasks.spawn(sign_in(server.clone(), authorizer, from_person, events));
                self.under_way.insert(server, UnderWay { pasted, task });
            }
            Effect::FinishSignIn { server, redirect } => {
                let Some(one) = self.under_way.get(&server) else {
                    tasks.spawn(resume(server, authorizer, redirect, events));
                    return;
                };
                // A second address before the first was looked at says nothing new.
                let _full = one.pasted.try_send(redirect);
            }
            Effect::AbortSignIn { server } => self.abort(&server),
            Effect::SignOut { server } => {
                self.abort(&server);
                tasks.spawn(sign_out(server, authorizer, events));
            }
            // The driver hands on nothing else.
            _ => {}
        }
    }

    fn abort(&mut self, server: &ServerName) {
        if let Some(one) = self.under_way.remove(server) {
            one.task.abort();
        }
    }
}

async fn sign_in(
    server: ServerName,
    authorizer: Authorizer,
    pasted: mpsc::Receiver<String>,
    events: mpsc::Sender<HostEvent>,
) {
    let steps = person(&server, &authorizer, pasted, &events);
    let outcome = tokio::time::timeout(PATIENCE, steps).await;
    let late = || Err(SignInError::new("nobody came back within 15 minutes"));
    report(server, outcome.unwrap_or_else(|_| late()), &events).await;
}

async fn person(
    server: &ServerName,
    authorizer: &Authorizer,
    mut pasted: mpsc::Receiver<String>,
    events: &mpsc::Sender<HostEvent>,
) -> Result<(), SignInError> {
    let Some(begun) = authorizer.sign_in().await? else {
        return Ok(());
    };
    let visit = SignInEvent::Visit {
        url: begun.url().to_owned(),
        comes_back: begun.comes_back(),
    };
    send(server.clone(), visit, events).await;
    let redirect = came_back(&begun, &mut pasted).await;
    begun.finish(&redirect).await
}

/// The address that the browser ended at, from itself or from the person.
async fn came_back(begun: &SignIn, pasted: &mut mpsc::Receiver<String>) -> String {
    tokio::select! {
        redirect = begun.redirected() => redirect,
        Some(redirect) = pasted.recv() => redirect,
    }
}

/// Goes on with a sign-in that another run of the program began.
async fn resume(
    server: ServerName,
    authorizer: Authorizer,
    redirect: String,
    events: mpsc::Sender<HostEvent>,
) {
    let steps = async { authorizer.resume().await?.finish(&redirect).await };
    report(server, steps.await, &events).await;
}

async fn sign_out(server: ServerName, authorizer: Authorizer, events: mpsc::Sender<HostEvent>) {
    match authorizer.sign_out().await {
        Ok(_) => send(server, SignInEvent::SignedOut, &events).await,
        Err(error) => report(server, Err(error), &events).await,
    }
}

async fn report(
    server: ServerName,
    outcome: Result<(), SignInError>,
    events: &mpsc::Sender<HostEvent>,
) {
    let event = match outcome {
        Ok(()) => SignInEvent::Done,
        Err(error) => SignInEvent::Failed {
            why: match error.hint {
                Some(hint) => format!("{}; {hint}", error.why),
                None => error.why,
            },
        },
    };
    send(server, event, events).await;
}

async fn send(server: ServerName, event: SignInEvent, events: &mpsc::Sender<HostEvent>) {
    let _host_gone = events.send(HostEvent::SignIn { server, event }).await;
}
