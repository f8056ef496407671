//! Questions about calls, and what follows from the person's answers.
//!
//! Pure. The same answer settles the other questions that it covers.

use crate::config::AllowRule;
use crate::host::call::{CallEnd, CallState, Ruler};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::question::{About, Answer, Question};
use crate::host::state::Host;
use crate::ids::{CallId, Moment, QuestionId};

impl Host {
    pub(super) fn ask(&mut self, id: CallId, why: String, now: Moment) {
        self.book.question = self.book.question.next();
        let question = self.book.question;
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Asking { question };
        }
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
        self.rule(call, by, why);
        match answer {
            Answer::No { reason } => self.finish(call, CallEnd::Denied { reason }, now),
            Answer::Dismissed => self.finish(call, CallEnd::Denied { reason: None }, now),
            Answer::Once | Answer::Filled { .. } => self.dispatch(call, now),
            Answer::Session => {
                self.allow_for_session(call);
                let mut effects = self.dispatch(call, now);
                effects.extend(self.send_allowed(now));
                effects
            }
            Answer::Always => {
                let rule = self.allow_for_session(call);
                let mut effects: Vec<_> = rule
                    .into_iter()
                    .map(|rule| Effect::Keep(Keep::Rule(rule)))
                    .collect();
                effects.extend(self.dispatch(call, now));
                effects.extend(self.send_allowed(now));
                effects
            }
        }
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
            self.rule(id, Ruler::Rule, "the person's answer to an equal question");
            self.dispatch(id, now)
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
