//! The person in front of the client under test: waits, fills in forms, signs in by following the redirect.
//!
//! Says yes to everything that needs no model and no eyes, which nobody may do for a real person. Only `conformance` uses it.

use serde_json::{Value, json};

use crate::cli::conformance::made;
use crate::cli::error::CliError;
use crate::driver::headless::Headless;
use crate::host::{About, Answer, Command, Host};
use crate::mcp::ask::Ask;

/// What the person has done so far.
#[derive(Debug, Default)]
pub struct Person {
    sign_ins: u32,
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
            } else if wish(&run.host) {
                return Ok(());
            } else {
                run.step().await;
            }
        }
    }
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
