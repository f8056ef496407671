//! One call under the rules: counted, given a place, checked, recorded, run for so long, recorded again.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::servers::guard::audit::Audit;
use crate::servers::guard::limits::seconds;
use crate::servers::guard::{Caller, Guard};
use crate::servers::toolbox::Refusal;

/// How long a tool that was told to stop may take to say so, before nobody listens any more.
const GRACE: Duration = Duration::from_secs(2);

/// A call that asks to run.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// What is called: a tool's name, or a method such as `resources/read`.
    pub tool: &'a str,
    /// With what.
    pub arguments: &'a Value,
    /// Whether it may change something.
    pub changes: bool,
    /// What tells it to stop.
    pub stop: &'a CancellationToken,
}

/// How a call ended, as the record names it.
pub trait Ended {
    /// `done`, `failed` (the tool says so) or `error` (the protocol does).
    fn outcome(&self) -> &'static str;
}

impl Guard {
    /// Runs a call under the rules; `check` looks at the arguments before anything runs.
    ///
    /// # Errors
    /// The call may not run, and nothing has run; or it ran out of time, which the refusal says.
    pub async fn call<T: Ended>(
        &self,
        call: Call<'_>,
        check: impl FnOnce() -> Option<Refusal>,
        run: impl Future<Output = T>,
    ) -> Result<T, Refusal> {
        let Call { caller, tool, .. } = call;
        if !caller.take_ticket(tool)
            && let Err(wait) = self.limits.count(&caller.subject, tool)
        {
            self.denied(caller, Some(tool), "rate");
            let wait = seconds(wait);
            let text = format!("too many calls of `{tool}`: nothing ran; call again in {wait} s");
            return Err(Refusal(text));
        }
        let _place = self.limits.enter(&caller.subject).map_err(|why| {
            self.denied(caller, Some(tool), "concurrency");
            Refusal(format!("{why}: nothing ran; call again when one has ended"))
        })?;
        if let Some(refusal) = check() {
            self.denied(caller, Some(tool), "arguments");
            return Err(refusal);
        }
        let mut record = self.begin(&call).await?;
        let outcome = self.in_time(&call, run).await;
        record.outcome = match &outcome {
            Ok(ended) if call.stop.is_cancelled() && ended.outcome() != "done" => "stopped",
            Ok(ended) => ended.outcome(),
            Err(_) => "timeout",
        };
        outcome
    }

    async fn begin(&self, call: &Call<'_>) -> Result<Record<'_>, Refusal> {
        let mut record = Record {
            audit: None,
            call: 0,
            began: Instant::now(),
            outcome: "abandoned",
        };
        if let Some(audit) = &self.audit {
            let mut line = about(call.caller, "call");
            line.insert("tool".to_owned(), call.tool.into());
            line.insert("arguments".to_owned(), audit.digest(call.arguments).into());
            line.insert("decision".to_owned(), "allowed".into());
            let written = audit.durable(line).await;
            record.call = written.map_err(|why| {
                Refusal(format!(
                    "nothing ran, because the call cannot be recorded: {why}"
                ))
            })?;
            record.audit = Some(audit);
            record.began = Instant::now();
        }
        Ok(record)
    }

    async fn in_time<T>(
        &self,
        call: &Call<'_>,
        run: impl Future<Output = T>,
    ) -> Result<T, Refusal> {
        let Some(limit) = self.call_timeout else {
            return Ok(run.await);
        };
        tokio::pin!(run);
        if let Ok(ended) = tokio::time::timeout(limit, &mut run).await {
            return Ok(ended);
        }
        call.stop.cancel();
        let stopped = tokio::time::timeout(GRACE, run).await.is_ok();
        let (tool, limit) = (call.tool, limit.as_secs_f64());
        let rest = match (call.changes, stopped) {
            (false, _) => "it changes nothing; ask for less, or call again",
            (true, _) => "whether it changed something is unknown: look before you call again",
        };
        let text =
            format!("`{tool}` took longer than the {limit} s it may and was stopped; {rest}");
        Err(Refusal(text))
    }

    /// Records that a call was turned away.
    pub fn denied(&self, caller: &Caller, tool: Option<&str>, reason: &str) {
        self.record_denial(Some(caller), tool, reason);
    }

    /// Records that a call was turned away, by somebody or by nobody that is known: so many a minute, and how many more.
    pub(super) fn record_denial(&self, caller: Option<&Caller>, tool: Option<&str>, reason: &str) {
        let Some(audit) = &self.audit else {
            return;
        };
        let Some(unrecorded) = self.denials.count(caller.map(|c| c.subject.as_str())) else {
            return;
        };
        let mut line = match caller {
            Some(caller) => about(caller, "denied"),
            None => Map::from_iter([("event".to_owned(), Value::from("denied"))]),
        };
        if let Some(tool) = tool {
            let short: String = tool.chars().take(128).collect();
            line.insert("tool".to_owned(), short.into());
        }
        line.insert("decision".to_owned(), format!("denied: {reason}").into());
        if unrecorded > 0 {
            line.insert("unrecorded".to_owned(), unrecorded.into());
        }
        audit.soon(line);
    }
}

fn about(caller: &Caller, event: &str) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("event".to_owned(), event.into());
    line.insert("subject".to_owned(), caller.subject.clone().into());
    if let Some(token) = &caller.token {
        line.insert("token".to_owned(), token.clone().into());
    }
    line
}

/// A recorded call under way; its end is recorded when this goes, also when nobody waits for the call any more.
struct Record<'a> {
    audit: Option<&'a Audit>,
    call: u64,
    began: Instant,
    outcome: &'static str,
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let Some(audit) = self.audit else {
            return;
        };
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut line = Map::new();
        line.insert("event".to_owned(), "end".into());
        line.insert("call".to_owned(), self.call.into());
        line.insert("outcome".to_owned(), self.outcome.into());
        line.insert("ms".to_owned(), took.into());
        audit.soon(line);
    }
}
