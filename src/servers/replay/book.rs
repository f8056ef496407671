//! What a recorded server was asked and what it said, and the answer to a request that comes again.
//!
//! Pure. Equal requests are answered in the recorded order, and the last answer is given again when there are more of them.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::fit;

/// Characters of a request that are told in an error.
const TOLD: usize = 300;

/// One recorded message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// From the client to the server.
    pub out: bool,
    /// Which connection it passed on: ids begin anew on each.
    pub connection: u64,
    /// The JSON text.
    pub text: String,
}

/// What was recorded of one server.
#[derive(Debug, Default)]
pub struct Book {
    exchanges: Vec<Exchange>,
    /// What followed a notification of the client, each time it came.
    notices: HashMap<String, VecDeque<Vec<Value>>>,
    /// Frames that are no messages, or were cut.
    skipped: usize,
}

#[derive(Debug)]
struct Exchange {
    method: String,
    params: Value,
    token: Option<Value>,
    before: Vec<Value>,
    answer: Option<Value>,
    after: Vec<Value>,
    used: bool,
}

/// One thing that the server says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A notification.
    Say(Value),
    /// A request of its own, whose answer it waits for.
    Ask(Value),
    /// The answer.
    Answer(Value),
}

/// What there is for a request.
pub(super) enum Found {
    /// What was said then.
    Steps(Vec<Recorded>),
    /// Nothing.
    Missing {
        /// Whether its method was recorded at all.
        known: bool,
        /// What is missing, as a sentence.
        why: String,
        /// The recorded request that comes nearest.
        nearest: Option<Value>,
    },
}

/// A step as it was recorded, with the progress token of then.
pub(super) struct Recorded {
    step: Step,
    token: Option<Value>,
}

impl Step {
    pub(super) fn message(self) -> Value {
        match self {
            Self::Say(message) | Self::Ask(message) | Self::Answer(message) => message,
        }
    }

    fn of(message: &Value) -> Self {
        match message.get("id") {
            Some(_) => Self::Ask(message.clone()),
            None => Self::Say(message.clone()),
        }
    }
}

impl Recorded {
    /// The step with the client's own id and token; progress that the client did not ask for is left out.
    pub(super) fn for_client(self, id: &Value, token: Option<&Value>) -> Option<Step> {
        match self.step {
            Step::Answer(mut answer) => {
                answer.as_object_mut()?.insert("id".to_owned(), id.clone());
                Some(Step::Answer(answer))
            }
            Step::Say(mut message) if self.token.is_some() => {
                if let Some(told) = message.pointer_mut("/params/progressToken")
                    && Some(&*told) == self.token.as_ref()
                {
                    *told = token?.clone();
                }
                Some(Step::Say(message))
            }
            step => Some(step),
        }
    }
}

/// Where a message of the server belongs: to the last thing that the client said.
enum Last {
    Nothing,
    Exchange(usize),
    Notice(String),
}

impl Book {
    /// Reads the frames of one server, in order.
    pub fn read(frames: impl IntoIterator<Item = Frame>) -> Self {
        let mut book = Self::default();
        let mut open: HashMap<(u64, String), usize> = HashMap::new();
        let mut last = Last::Nothing;
        for frame in frames {
            let Ok(message) = serde_json::from_str::<Value>(&frame.text) else {
                book.skipped += 1;
                continue;
            };
            let id = message.get("id").map(Value::to_string);
            let method = message.get("method").and_then(Value::as_str);
            match (frame.out, method, id) {
                (true, Some(method), Some(id)) => {
                    let at = book.exchanges.len();
                    open.insert((frame.connection, id), at);
                    book.open(method, message.get("params"));
                    last = Last::Exchange(at);
                }
                (true, Some(method), None) => {
                    let noticed = book.notices.entry(method.to_owned()).or_default();
                    noticed.push_back(Vec::new());
                    last = Last::Notice(method.to_owned());
                }
                (false, Some(_), _) => book.said(&last, &message),
                (false, None, Some(id)) => {
                    if let Some(at) = open.remove(&(frame.connection, id)) {
                        book.exchanges[at].answer = Some(message);
                    }
                }
                // The client's answers are its own.
                (true, None, _) => {}
                (false, None, None) => book.skipped += 1,
            }
        }
        book
    }

    /// How many requests it can answer.
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether it can answer none.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// How many frames could not be used.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn open(&mut self, method: &str, params: Option<&Value>) {
        let token = params.and_then(|params| params.pointer("/_meta/progressToken"));
        self.exchanges.push(Exchange {
            method: method.to_owned(),
            params: fit::bare(params),
            token: token.cloned(),
            before: Vec::new(),
            answer: None,
            after: Vec::new(),
            used: false,
        });
    }

    /// Progress belongs to its call, all else to the last thing that the client said.
    fn said(&mut self, last: &Last, message: &Value) {
        let token = message.pointer("/params/progressToken");
        let of_token = &token.and_then(|token| {
            let asked = |exchange: &Exchange| {
                exchange.answer.is_none() && exchange.token.as_ref() == Some(token)
            };
            self.exchanges.iter().rposition(asked)
        });
        let at = match (of_token, last) {
            (Some(at), _) | (None, Last::Exchange(at)) => at,
            (None, Last::Notice(method)) => {
                let noticed = self.notices.get_mut(method);
                if let Some(said) = noticed.and_then(VecDeque::back_mut) {
                    said.push(message.clone());
                }
                return;
            }
            (None, Last::Nothing) => return,
        };
        if let Some(exchange) = self.exchanges.get_mut(*at) {
            match exchange.answer {
                None => exchange.before.push(message.clone()),
                Some(_) => exchange.after.push(message.clone()),
            }
        }
    }

    /// What followed this notification of the client, each time once.
    pub(super) fn noticed(&mut self, method: &str) -> VecDeque<Step> {
        let followed = self.notices.get_mut(method).and_then(VecDeque::pop_front);
        followed.iter().flatten().map(Step::of).collect()
    }

    /// What was said to such a request.
    pub(super) fn find(&mut self, method: &str, params: Option<&Value>) -> Found {
        let params = fit::bare(params);
        let at = self
            .exact(method, &params)
            .or_else(|| self.answered(method, &params))
            .or_else(|| self.loose(method, &params));
        let Some(exchange) = at.and_then(|at| self.exchanges.get_mut(at)) else {
            return self.missing(method, &params);
        };
        exchange.used = true;
        let token = exchange.token.clone();
        let recorded = |step| Recorded {
            step,
            token: token.clone(),
        };
        let before = exchange.before.iter().map(Step::of);
        let answer = exchange.answer.clone().map(Step::Answer);
        let after = exchange.after.iter().map(Step::of);
        let steps: Vec<Recorded> = before.chain(answer).chain(after).map(recorded).collect();
        if steps.is_empty() && method != "subscriptions/listen" {
            let why = format!(
                "the recording has this {method}, and no answer to it: it was cancelled, or the recording ends before"
            );
            return Found::Missing {
                known: true,
                why,
                nearest: None,
            };
        }
        Found::Steps(steps)
    }

    /// The next one that was not given yet, else the last of them.
    fn exact(&self, method: &str, params: &Value) -> Option<usize> {
        let fits =
            |exchange: &&Exchange| exchange.method == method && fit::fits(&exchange.params, params);
        self.next(fits)
    }

    /// The same request with other answers to what the server had asked: those are the client's own.
    fn answered(&self, method: &str, params: &Value) -> Option<usize> {
        let without = |params: &Value| {
            let mut members = params.as_object()?.clone();
            members.remove("inputResponses")?;
            members.remove("requestState");
            Some(Value::Object(members))
        };
        let now = without(params)?;
        let fits = |exchange: &&Exchange| {
            let then = || without(&exchange.params);
            exchange.method == method && then().is_some_and(|then| fit::fits(&then, &now))
        };
        self.next(fits)
    }

    /// A client greets, lists and pings in its own words, and means the same.
    fn loose(&self, method: &str, params: &Value) -> Option<usize> {
        let greets = matches!(
            method,
            "initialize" | "server/discover" | "ping" | "logging/setLevel" | "subscriptions/listen"
        );
        let lists = method.ends_with("/list") && params.get("cursor").is_none();
        if !greets && !lists {
            return None;
        }
        let fits = |exchange: &&Exchange| {
            exchange.method == method && (greets || exchange.params.get("cursor").is_none())
        };
        self.next(fits)
    }

    fn next(&self, fits: impl Fn(&&Exchange) -> bool) -> Option<usize> {
        let all = || {
            let numbered = self.exchanges.iter().enumerate();
            numbered.filter(|(_, exchange)| fits(exchange))
        };
        let fresh = all().find(|(_, exchange)| !exchange.used);
        fresh.or_else(|| all().last()).map(|(at, _)| at)
    }

    fn missing(&self, method: &str, params: &Value) -> Found {
        if method == "ping" {
            let answer = Step::Answer(json!({ "jsonrpc": "2.0", "result": {} }));
            return Found::Steps(vec![Recorded {
                step: answer,
                token: None,
            }]);
        }
        let same = || {
            let exchanges = self.exchanges.iter();
            exchanges.filter(|exchange| exchange.method == method)
        };
        let nearest = same().max_by_key(|exchange| fit::common(&exchange.params, params));
        let why = match nearest {
            Some(nearest) => {
                let (count, params) = (same().count(), short(&nearest.params));
                format!(
                    "no {method} with these params was recorded; of the {count} recorded the nearest is {params}"
                )
            }
            None => {
                let mut methods: Vec<&str> =
                    self.exchanges.iter().map(|e| e.method.as_str()).collect();
                methods.sort_unstable();
                methods.dedup();
                format!(
                    "no {method} was recorded; what was is {}",
                    methods.join(", ")
                )
            }
        };
        Found::Missing {
            known: nearest.is_some(),
            why,
            nearest: nearest.map(|nearest| json!({ "method": method, "params": nearest.params })),
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
