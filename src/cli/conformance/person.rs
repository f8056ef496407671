//! The person in front of the client under test: waits, fills in forms, signs in by following the redirect.
//!
//! Says yes to everything that needs no model and no eyes, which nobody may do for a real person. Only `conformance` uses it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::conformance::made;
use crate::cli::error::{CliError, ErrorKind};
use crate::driver::headless::Headless;
use crate::host::{About, Answer, Command, Host, Server, SignInState};
use crate::ids::ServerName;
use crate::mcp::ask::Ask;
use crate::mcp::failure::FailureKind;

/// A person who was sent to sign in three times in a row gives up.
const SIGN_INS: u32 = 3;
/// For one page of a sign-in.
const PAGE: Duration = Duration::from_secs(10);

/// What the person has done so far.
#[derive(Debug, Default)]
pub struct Person {
    sign_ins: u32,
    visited: Vec<String>,
}

/// The next move of a sign-in.
enum Move {
    Begin(ServerName),
    Visit(ServerName, String),
    GiveUp(CliError),
    Wait,
}

impl Person {
    /// Sign-ins so far.
    pub fn sign_ins(&self) -> u32 {
        self.sign_ins
    }

    /// Lets the host go on until it is as wished, and does meanwhile what it asks of a person.
    pub async fn until(
        &mut self,
        run: &mut Headless,
        wish: impl Fn(&Host) -> bool,
    ) -> Result<(), CliError> {
        loop {
            if let Some(answer) = answer(&run.host) {
                run.command(answer);
                continue;
            }
            match self.sign_in(&run.host) {
                Some(Move::Begin(server)) => {
                    self.sign_ins += 1;
                    run.command(Command::SignIn(server));
                }
                Some(Move::Visit(server, url)) => {
                    let redirect = visit(&url).await?;
                    self.visited.push(url);
                    run.command(Command::FinishSignIn { server, redirect });
                }
                Some(Move::GiveUp(error)) => return Err(error),
                None if wish(&run.host) => return Ok(()),
                Some(Move::Wait) | None => run.step().await,
            }
        }
    }

    fn sign_in(&self, host: &Host) -> Option<Move> {
        host.servers.iter().find_map(|server| {
            let name = server.name.clone();
            match host.sign_ins.get(&server.name) {
                None if needs_sign_in(server) && self.sign_ins < SIGN_INS => {
                    Some(Move::Begin(name))
                }
                None => None,
                Some(SignInState::Visit { url, .. }) if !self.visited.contains(url) => {
                    Some(Move::Visit(name, url.clone()))
                }
                Some(SignInState::Failed { why }) => Some(Move::GiveUp(CliError::new(
                    ErrorKind::Server,
                    format!("the sign-in failed: {why}"),
                ))),
                Some(SignInState::Starting | SignInState::Visit { .. }) => Some(Move::Wait),
            }
        })
    }
}

fn needs_sign_in(server: &Server) -> bool {
    let failure = server.status.failure();
    failure.is_some_and(|failure| failure.kind == FailureKind::NeedsSignIn)
}

/// The answer to the question that waits longest.
fn answer(host: &Host) -> Option<Command> {
    let question = host.questions.front()?;
    let answer = match &question.about {
        About::Call { .. } => Answer::Once,
        About::Server { what, .. } => match what {
            Ask::Form { schema, .. } => Answer::Filled {
                value: Value::Object(made::form(schema)),
            },
            Ask::Roots => Answer::Filled { value: json!([]) },
            Ask::Url { .. } => Answer::Once,
            // There is no model here to write anything.
            Ask::Sampling(_) => Answer::No { reason: None },
        },
    };
    Some(Command::Answer(question.id, answer))
}

/// Opens the page of a sign-in as a browser would and gives the address that it was sent on to.
async fn visit(url: &str) -> Result<String, CliError> {
    let failed = |why: String| CliError::new(ErrorKind::Server, format!("the sign-in page: {why}"));
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PAGE)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let page = client
        .get(url)
        .send()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let sent_on = page
        .headers()
        .get("location")
        .and_then(|place| place.to_str().ok());
    match sent_on {
        Some(place) => Ok(place.to_owned()),
        None => Err(failed(format!(
            "it answered {} and sends nobody on",
            page.status()
        ))),
    }
}
