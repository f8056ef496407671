//! The machine of tool calls: made and checked (`make`), asked for (`ask`), dispatched (`host::dispatch`), followed (here), resolved (`finish`).
//!
//! Pure. Every call ends exactly once; what comes after its end is ignored.

mod adrift;
mod ask;
mod finish;
mod make;
mod memory;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::call::{CallEnd, CallState, ToolCall};
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Generation, Moment};
use crate::mcp::event::{CallEvent, Task};
use crate::mcp::result::CallOutcome;

/// Steps that a call keeps, and how many of them from its beginning.
const STEPS: (usize, usize) = (64, 24);

impl Host {
    /// A connection says something about a call. What concerns another connection, or a call that has ended, is stale.
    pub(in crate::host) fn call_event(
        &mut self,
        id: CallId,
        from: Generation,
        event: CallEvent,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(call) = self.call_mut(id) else {
            return Vec::new();
        };
        match &call.state {
            CallState::Running { generation, .. } if *generation == from => {}
            CallState::Running { .. }
            | CallState::Asking { .. }
            | CallState::Queued { .. }
            | CallState::Done { .. } => {
                return Vec::new();
            }
        }
        if let Some(why) = Self::goes_on(call, &event) {
            return self.set_adrift(id, why, now);
        }
        match event {
            CallEvent::Sent { request_id } => {
                call.request_id = Some(request_id.clone());
                let generation = from;
                self.step(
                    id,
                    now,
                    Step::OnWire {
                        generation,
                        request_id,
                    },
                );
            }
            CallEvent::Progress(progress) => call.progressed(progress, now),
            CallEvent::Task(task) => self.task_told(id, task, now),
            CallEvent::Finished(outcome) => {
                let outcome = self.outcome_of_followed(id, outcome);
                return self.finish(id, CallEnd::Outcome { outcome }, now);
            }
        }
        Vec::new()
    }

    /// Ends every call that has not ended: asked ones are dropped, running ones cancelled.
    pub(in crate::host) fn cancel_calls(&mut self, now: Moment) -> Vec<Effect> {
        self.questions.retain(|asked| asked.call().is_none());
        self.previews.clear();
        self.book.looking.clear();
        let running: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| call.end().is_none())
            .map(|call| call.id)
            .collect();
        let mut effects = self.asks_of_calls_over(|call| running.contains(&call));
        self.cancel_adrift(&running);
        let sent_before = self.sent_before(&running);
        for call in &mut self.calls {
            match (&call.state, &call.server) {
                (CallState::Asking { .. } | CallState::Queued { .. }, _) => {
                    let end = sent_before.get(&call.id).cloned();
                    call.state = CallState::Done {
                        at: now,
                        took: Duration::ZERO,
                        end: end.unwrap_or(CallEnd::Interrupted),
                    };
                }
                (CallState::Running { since, generation }, Some(server)) => {
                    let (took, generation) = (now.since(*since), *generation);
                    effects.push(Effect::CancelCall {
                        call: call.id,
                        server: server.clone(),
                        generation,
                    });
                    let end = CallEnd::Outcome {
                        outcome: CallOutcome::Cancelled,
                    };
                    call.state = CallState::Done { at: now, took, end };
                }
                (CallState::Running { .. }, None) | (CallState::Done { .. }, _) => {}
            }
        }
        effects.extend(self.cancelled_in_cache(now));
        effects
    }

    /// The ends of those that were sent before and are about to be sent again: that they were never sent would be untrue.
    fn sent_before(&mut self, calls: &[CallId]) -> BTreeMap<CallId, CallEnd> {
        let ends = calls.iter();
        ends.filter_map(|id| Some((*id, self.end_of_resend(*id)?)))
            .collect()
    }

    /// Where the task of a call is. What is no news is no step.
    fn task_told(&mut self, id: CallId, task: Task, now: Moment) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        let is_news = call.task.as_ref().map(|known| &known.status) != Some(&task.status);
        let (of, status) = (task.id.clone(), task.status.clone());
        call.task = Some(task);
        if is_news {
            self.step(id, now, Step::Task { id: of, status });
        }
    }

    /// Keeps what was decided about a call.
    pub(in crate::host) fn step(&mut self, id: CallId, now: Moment, step: Step) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        if call.steps.len() >= STEPS.0 {
            call.steps.remove(STEPS.1);
            call.steps_lost += 1;
        }
        call.steps.push((now, step));
    }

    pub(in crate::host) fn call_mut(&mut self, id: CallId) -> Option<&mut ToolCall> {
        self.calls
            .get_mut(usize::try_from(id.0.checked_sub(1)?).ok()?)
    }
}
