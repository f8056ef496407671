//! The question on a terminal without panes: the whole arguments on stderr, one letter as the answer.

use crate::cli::ask::questions;
use crate::cli::output;
use crate::host::{About, Answer, Command, Host, Question};
use crate::text::clean;

/// Shows the question and waits for an answer. The end of stdin is a no.
pub async fn ask(question: &Question, host: &Host) -> Command {
    let answer = match &question.about {
        About::Call { call, why } => {
            if let Some(call) = host.call(*call) {
                output::note(&format!("\nAllow {}? {}", clean::line(&call.title()), why));
                output::note(&format!("  {}", clean::line(&call.arguments)));
            }
            allow().await
        }
        About::Server { server, what, .. } => questions::ask(server, what).await,
    };
    Command::Answer(question.id, answer)
}

async fn allow() -> Answer {
    loop {
        output::note(
            "  y yes, once   s yes, this session   a always   n no   or words: no, and why",
        );
        return match line().await.as_deref().map(str::trim) {
            Some("y" | "yes") => Answer::Once,
            Some("s") => Answer::Session,
            Some("a") => Answer::Always,
            None | Some("n" | "no") => Answer::No { reason: None },
            Some("") => continue,
            Some(words) => Answer::No {
                reason: Some(words.to_owned()),
            },
        };
    }
}

/// A line of stdin; none at its end.
pub(super) async fn line() -> Option<String> {
    tokio::task::spawn_blocking(read_line).await.ok().flatten()
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}
