//! A recorded session as a model: its n-th stream answers the n-th request, and a request that is not the recorded one is said.
//!
//! Pure; `host::recorded` makes a [`Tape`] of a recording and `driver` plays it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::agent::model::event::ModelEvent;
use crate::agent::model::request::{Message, ModelRequest};

/// Characters of a message that are kept to be shown.
const SHOWN: usize = 160;
/// What is looked through beyond that, so that a secret at the cut is still known as one.
const BEYOND: usize = 8 * 1024;
/// Characters of a digest: enough to tell two requests of one session apart.
const DIGEST: usize = 16;

/// What a request was about: digests of its parts, so that it can be said which of them is another, and its last words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The stream that answered it.
    pub stream: u64,
    /// Messages without those of the system.
    pub messages: usize,
    /// The digest of what the system says.
    pub system: String,
    /// The digest of the tools on offer.
    pub tools: String,
    /// The digest of the conversation before the last message.
    pub before: String,
    /// The digest of the last message.
    pub last: String,
    /// How it begins.
    pub words: String,
}

impl Asked {
    /// What this request is about. `clean` takes the secrets out of its words.
    pub fn of(stream: u64, request: &ModelRequest, clean: impl Fn(&str) -> String) -> Self {
        let is_system = |message: &&Message| matches!(message, Message::System { .. });
        let (system, said): (Vec<_>, Vec<_>) = request.messages.iter().partition(is_system);
        let (last, before) = match said.split_last() {
            Some((last, before)) => (Some(*last), before),
            None => (None, &[][..]),
        };
        Self {
            stream,
            messages: said.len(),
            system: digest(&system),
            tools: digest(&request.tools),
            before: digest(&before),
            last: digest(&last),
            words: last.map(|last| words(last, clean)).unwrap_or_default(),
        }
    }

    /// In what another request is not this one, as the end of a sentence.
    fn differs(&self, now: &Self) -> Option<String> {
        let mut parts = Vec::new();
        if self.system != now.system {
            parts.push("the system's words".to_owned());
        }
        if self.tools != now.tools {
            parts.push("the tools on offer".to_owned());
        }
        if self.messages != now.messages {
            parts.push(format!(
                "the number of messages ({} instead of {})",
                now.messages, self.messages
            ));
        } else if self.before != now.before {
            parts.push("an earlier message".to_owned());
        }
        if self.last != now.last {
            parts.push(format!(
                "the last message (recorded: {:?}, now: {:?})",
                self.words, now.words
            ));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn digest(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let hash = Sha256::digest(text.as_bytes());
    let mut hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(DIGEST);
    hex
}

fn words(message: &Message, clean: impl Fn(&str) -> String) -> String {
    let (Message::System { text }
    | Message::User { text }
    | Message::Assistant { text, .. }
    | Message::Tool { text, .. }) = message;
    let head: String = text.chars().take(SHOWN + BEYOND).collect();
    clean(&head).chars().take(SHOWN).collect()
}

/// One recorded answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// What the request was about, where that was written.
    pub asked: Option<Asked>,
    /// What came back.
    pub events: Vec<ModelEvent>,
}

/// The recorded answers, in the order of their requests.
#[derive(Debug, Default)]
pub struct Tape {
    answers: Vec<Answer>,
    next: AtomicUsize,
}

impl Tape {
    /// A tape at its start.
    pub fn new(answers: Vec<Answer>) -> Self {
        Self {
            answers,
            next: AtomicUsize::new(0),
        }
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The answer to the next request. Always ends as every stream does.
    pub fn answer(&self, request: &ModelRequest) -> Vec<ModelEvent> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let number = at + 1;
        let Some(answer) = self.answers.get(at) else {
            let (all, s) = (self.len(), if self.len() == 1 { "" } else { "s" });
            let message =
                format!("The recording answers {all} request{s}, and this is request {number}");
            let hint = "record a session that goes as far, or ask what was asked then";
            return vec![failed(ModelErrorKind::Script, message, hint)];
        };
        let mut events = answer.events.clone();
        let asked = answer.asked.as_ref();
        let differs =
            asked.and_then(|asked| asked.differs(&Asked::of(asked.stream, request, str::to_owned)));
        match events.last_mut() {
            Some(ModelEvent::Done(completion)) => {
                completion.notes.extend(differs.map(|what| {
                    format!("Request {number} is not the recorded one: another is {what}. The recorded answer was given all the same.")
                }));
            }
            Some(ModelEvent::Failed(_)) => {}
            _ => {
                let message =
                    format!("The recorded answer {number} has no end: it was interrupted");
                let hint = "the recording holds no more of it";
                events.push(failed(ModelErrorKind::Script, message, hint));
            }
        }
        events
    }
}

fn failed(kind: ModelErrorKind, message: String, hint: &str) -> ModelEvent {
    ModelEvent::Failed(ModelError {
        kind,
        message,
        hint: Some(hint.to_owned()),
        retry_after: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::model::event::{Completion, Finish};
    use crate::config::ModelMode;

    fn request(said: &str) -> ModelRequest {
        let text = |text: &str| text.to_owned();
        ModelRequest {
            messages: vec![
                Message::System { text: text("s") },
                Message::User { text: text(said) },
            ],
            tools: Vec::new(),
            mode: ModelMode::Tools,
            plain_schemas: false,
            more_tokens: false,
            wishes: Default::default(),
        }
    }

    fn answer(said: &str, words: &str, ends: bool) -> Answer {
        let done = ModelEvent::Done(Completion {
            finish: Finish::Stop,
            calls: Vec::new(),
            usage: None,
            notes: Vec::new(),
        });
        let text = ModelEvent::Text(words.to_owned());
        Answer {
            asked: Some(Asked::of(1, &request(said), str::to_owned)),
            events: [Some(text), ends.then_some(done)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }

    #[test]
    fn the_nth_answer_is_the_recorded_one_and_what_differs_is_said() {
        let tape = Tape::new(vec![answer("a", "one", true), answer("b", "two", true)]);
        assert_eq!(
            tape.answer(&request("a")),
            answer("a", "one", true).events,
            "nothing to say"
        );
        let other = tape.answer(&request("c"));
        let Some(ModelEvent::Done(done)) = other.last() else {
            panic!("{other:?}");
        };
        assert_eq!(
            done.notes,
            [
                "Request 2 is not the recorded one: another is the last message (recorded: \"b\", now: \"c\"). \
                 The recorded answer was given all the same."
            ]
        );
        let none = tape.answer(&request("d"));
        assert!(
            matches!(&none[..], [ModelEvent::Failed(error)]
                if error.message == "The recording answers 2 requests, and this is request 3"),
            "{none:?}"
        );
    }

    #[test]
    fn no_piece_of_a_secret_at_the_cut_is_among_the_words() {
        let said = format!("{} hunter2-long and more", "x".repeat(SHOWN - 4));
        let clean = |text: &str| text.replace("hunter2-long", "***");
        let asked = Asked::of(1, &request(&said), clean);
        assert!(asked.words.ends_with("x ***"), "{}", asked.words);
        assert_eq!(asked.words.len(), SHOWN);
    }

    #[test]
    fn an_answer_that_was_interrupted_has_an_end_all_the_same() {
        let tape = Tape::new(vec![answer("a", "one", false)]);
        let events = tape.answer(&request("a"));
        assert!(matches!(events.last(), Some(ModelEvent::Failed(_))));
    }
}
