//! Questions about calls, and what follows from the person's answers.
//!
//! Pure. The same answer settles the other questions that it covers.

use crate::config::AllowRule;
use crate::host::call::{CallEnd, CallState, Origin, Ruler};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::question::{About, Answer, Question};
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Moment, QuestionId};

impl Host {
    pub(in crate::host) fn ask(&mut self, id: CallId, why: String, now: Moment) {
        self.book.question = self.book.question.next();
        let question = self.book.question;
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Asking { question };
        }
        self.step(id, now, Step::Asked { why: why.clone() });
        self.questions.push_back(Question {
            id: question,
            about: About::Call { call: id, why },
            since: now,
        });
    }

    /// The person has answered. The same answer settles the other questions that it covers.
    pub(in crate::host) fn answer(
        &mut self,
        question: QuestionId,
        answer: Answer,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(place) = self.questions.iter().position(|asked| asked.id == question) else {
            return Vec::new();
        };
        let Some(asked) = self.questions.remove(place) else {
            return Vec::new();
        };
        let Some(call) = asked.call() else {
            return self.answer_server(asked, place, answer, now);
        };
        let (by, why) = ruling(&answer);
        self.rule(call, by, why, now);
        self.previews.remove(&call);
        match answer {
            Answer::No { reason } => self.finish(call, CallEnd::Denied { reason }, now),
            Answer::Dismissed => self.finish(call, CallEnd::Denied { reason: None }, now),
            Answer::Session | Answer::Always if self.is_of_hand(call) => {
                self.accept_and_send(call, answer == Answer::Always, now)
            }
            Answer::Once | Answer::Filled { .. } => self.send_decided(call, now),
            Answer::Session => {
                self.allow_for_session(call);
                let mut effects = self.send_decided(call, now);
                effects.extend(self.send_allowed(now));
                effects
            }
            Answer::Always => {
                let rule = self.allow_for_session(call);
                let mut effects: Vec<_> = rule
                    .into_iter()
                    .map(|rule| Effect::Keep(Keep::Rule(rule)))
                    .collect();
                effects.extend(self.send_decided(call, now));
                effects.extend(self.send_allowed(now));
                effects
            }
        }
    }

    fn is_of_hand(&self, id: CallId) -> bool {
        let call = self.call(id);
        call.is_some_and(|call| matches!(call.origin, Origin::Hand))
    }

    /// A call by hand is asked for only where its tool has changed: more than once means that the change is accepted, for this
    /// session or from now on. The model gets no right by it.
    fn accept_and_send(&mut self, id: CallId, kept: bool, now: Moment) -> Vec<Effect> {
        let call = self.call(id);
        let of = call.and_then(|call| Some((call.server.clone()?, vec![call.tool.clone()])));
        let mut effects = match of {
            Some((server, tool)) => self.accept_tools(&server, Some(&tool), kept),
            None => Vec::new(),
        };
        effects.extend(self.dispatch(id, now));
        effects
    }

    fn allow_for_session(&mut self, id: CallId) -> Option<AllowRule> {
        let call = self.call(id)?;
        let (server, tool) = (call.server.clone()?, call.approval_key().into_owned());
        let launch = self.server(&server)?.spec.as_ref()?.launch.identity();
        self.book.session.insert((server.clone(), tool.clone()));
        Some(AllowRule {
            server,
            tool,
            launch,
        })
    }

    fn send_allowed(&mut self, now: Moment) -> Vec<Effect> {
        let allowed = |question: &Question| {
            let call = self.call(question.call()?)?;
            let key = (call.server.clone()?, call.approval_key().into_owned());
            self.book.session.contains(&key).then_some(call.id)
        };
        let ids: Vec<_> = self.questions.iter().filter_map(allowed).collect();
        self.questions
            .retain(|asked| asked.call().is_none_or(|call| !ids.contains(&call)));
        let send = |id| {
            self.rule(
                id,
                Ruler::Rule,
                "the person's answer to an equal question",
                now,
            );
            self.send_decided(id, now)
        };
        ids.into_iter().flat_map(send).collect()
    }
}

/// Who decided by this answer, and in what words.
fn ruling(answer: &Answer) -> (Ruler, String) {
    let why = match answer {
        Answer::Once | Answer::Filled { .. } => "yes, this once",
        Answer::Session => "yes, for this session",
        Answer::Always => "yes, always",
        Answer::No { reason: None } => "no",
        Answer::No {
            reason: Some(reason),
        } => return (Ruler::Person, format!("no: {reason}")),
        Answer::Dismissed => "the question was closed",
    };
    (Ruler::Person, why.to_owned())
}
