//! One server, judged for `check`: by its status, its verdict and the rules that are against the protocol.

use super::{Outcome, Tried};
use crate::host::Server;
use crate::host::fix::{self, Given};
use crate::mcp::failure::Failure;
use crate::mcp::lint::{Finding, Level, Object, rules};
use crate::mcp::status::Status;
use crate::mcp::verdict::{Cause, Grade};
use crate::text::human;

/// What there is to say of one server.
pub(super) fn tried(server: &Server) -> Tried {
    let (outcome, what, fix) = match &server.status {
        Status::Disabled => (Outcome::Skipped, "switched off".to_owned(), None),
        Status::Ready { .. } => ready(server),
        Status::Starting { .. } => (Outcome::Failed, "it does not come up".to_owned(), None),
        Status::Waiting { failure, .. } | Status::Failed { failure } => away(server, failure),
    };
    let fix = fix.or_else(|| (outcome == Outcome::Failed).then(|| fix::of(server, Given::Table)));
    Tried {
        name: server.name.to_string(),
        outcome,
        what,
        fix,
    }
}

/// One that is not there: did it come up and end, the rules know by what.
fn away(server: &Server, failure: &Failure) -> (Outcome, String, Option<String>) {
    let ended = server.last_end.as_ref();
    if ended.is_some_and(|end| end.failure == *failure)
        && let Some(found) = server.findings(Given::Table).into_iter().next()
    {
        return (Outcome::Failed, found.says, Some(found.fix));
    }
    (Outcome::Failed, failure.headline(), None)
}

fn ready(server: &Server) -> (Outcome, String, Option<String>) {
    let is_ill = server.verdict.grade > Grade::Slow || server.verdict.cause == Cause::Busy;
    // It was asked whether it lives, and nothing came: the protocol has every server answer that.
    if is_ill || server.health.latency().is_none() {
        let what = match &server.health.last_error {
            Some(error) => format!("{}: {error}", server.verdict.words),
            None => server.verdict.words.clone(),
        };
        return (Outcome::Failed, what, None);
    }
    let mut parts = vec![match server.tools.len() {
        1 => "1 tool".to_owned(),
        count => format!("{count} tools"),
    }];
    if let Some(latency) = server.health.latency() {
        parts.push(format!("answers in {}", human::duration(latency.p50)));
    }
    parts.extend(server.hello.as_ref().map(|hello| hello.revision.clone()));
    let odd = server.rejected_tools();
    let Some(first) = odd.first() else {
        return flawed(server, &parts);
    };
    let name = first.name.as_deref().unwrap_or("a tool without a name");
    parts.push(match odd.len() {
        1 => format!("1 more cannot be used: {name}: {}", first.why),
        count => format!(
            "{count} more cannot be used, the first: {name}: {}",
            first.why
        ),
    });
    let fix = "mend the definitions in the server; `mcpdeck list` names each".to_owned();
    (Outcome::Odd, parts.join(", "), Some(fix))
}

/// One that works, held against the rules: what is against the protocol wants a look.
fn flawed(server: &Server, parts: &[String]) -> (Outcome, String, Option<String>) {
    let ended = |finding: &Finding| finding.rule == rules::ENDS_DURING_A_CALL;
    let mut found = server.findings(Given::Table);
    found.retain(|finding| finding.rule.level == Level::Error);
    let mut what = parts.join(", ");
    let Some(first) = found.first() else {
        return (Outcome::Good, what, None);
    };
    let about = match &first.object {
        Object::Server => String::new(),
        object => format!("{}: ", object.words()),
    };
    what.push_str(&format!("; {about}{}", first.says));
    if found.len() > 1 {
        let more = found.len() - 1;
        what.push_str(&format!(
            "; and {more} more: `mcpdeck lint {}`",
            server.name
        ));
    }
    let outcome = match found.iter().any(ended) {
        true => Outcome::Failed,
        false => Outcome::Odd,
    };
    (outcome, what, Some(first.fix.clone()))
}
