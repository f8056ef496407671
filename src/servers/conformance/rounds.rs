//! Calls that need something of the client first, in the way of 2026-07-28: the result says what is required, the client
//! comes again with the answers and the sealed state. A table of what is asked in which round, and the one step through it.
//!
//! Called by `mod` for `tools/call` and `prompts/get`.

use rmcp::model::{
    ClientCapabilities, ErrorData, InputRequests, InputRequiredResult, InputResponses,
};
use serde_json::{Value, json};

use crate::servers::conformance::seal::Seal;

/// What the client is asked for.
#[derive(Clone, Copy)]
enum Ask {
    /// A form with one field: message, name, type.
    Form(&'static str, &'static str, &'static str),
    /// An answer of the client's model, of at most so many tokens.
    Sample(&'static str, u32),
    /// The client's folders.
    Roots,
}

type Round = &'static [(&'static str, Ask)];

/// A tool or prompt that asks before it answers.
pub struct Flow {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub description: &'static str,
    rounds: &'static [Round],
    /// Whether the round is kept in a state that the client carries.
    sealed: bool,
    /// The last words; `{}` stands for the answers.
    words: &'static str,
}

/// What comes of one call.
pub enum Step {
    /// The client is asked.
    Ask(InputRequiredResult),
    /// All is there.
    Done(String),
}

const NAME: (&str, Ask) = (
    "user_name",
    Ask::Form("What is your name?", "name", "string"),
);
const GREETING: (&str, Ask) = ("greeting", Ask::Sample("Generate a greeting", 50));
const ROOTS: (&str, Ask) = ("client_roots", Ask::Roots);
const CONFIRM: (&str, Ask) = ("confirm", Ask::Form("Please confirm", "ok", "boolean"));

/// The tools that ask.
pub const TOOLS: &[Flow] = &[
    Flow {
        name: "test_input_required_result_elicitation",
        description: "Asks the user for a name and greets",
        rounds: &[&[NAME]],
        sealed: false,
        words: "Hello, {}!",
    },
    Flow {
        name: "test_input_required_result_sampling",
        description: "Asks the client's model for a capital",
        rounds: &[&[(
            "capital_question",
            Ask::Sample("What is the capital of France?", 100),
        )]],
        sealed: false,
        words: "The model says: {}",
    },
    Flow {
        name: "test_input_required_result_list_roots",
        description: "Asks for the client's roots and repeats them",
        rounds: &[&[ROOTS]],
        sealed: false,
        words: "The roots are: {}",
    },
    Flow {
        name: "test_input_required_result_request_state",
        description: "Asks for a confirmation and checks the state that comes back",
        rounds: &[&[CONFIRM]],
        sealed: true,
        words: "Confirmed, state-ok: {}",
    },
    Flow {
        name: "test_input_required_result_tampered_state",
        description: "Asks for a confirmation and refuses a state that was changed",
        rounds: &[&[CONFIRM]],
        sealed: true,
        words: "Confirmed: {}",
    },
    Flow {
        name: "test_input_required_result_multiple_inputs",
        description: "Asks the user, the model and for the roots at once",
        rounds: &[&[NAME, GREETING, ROOTS]],
        sealed: true,
        words: "All came: {}",
    },
    Flow {
        name: "test_input_required_result_multi_round",
        description: "Asks twice, one after the other",
        rounds: &[
            &[(
                "step1",
                Ask::Form("Step 1: What is your name?", "name", "string"),
            )],
            &[(
                "step2",
                Ask::Form("Step 2: What is your favorite color?", "color", "string"),
            )],
        ],
        sealed: true,
        words: "Both rounds are done: {}",
    },
    Flow {
        name: "test_input_required_result_capabilities",
        description: "Asks only for what the client has declared",
        rounds: &[&[NAME, GREETING, ROOTS]],
        sealed: false,
        words: "What you can give came: {}",
    },
    Flow {
        name: "test_streaming_elicitation",
        description: "Asks the user in the answer and never by a request of its own",
        rounds: &[&[("value", Ask::Form("Provide a value", "value", "string"))]],
        sealed: false,
        words: "The value is: {}",
    },
];

/// The prompt that asks.
pub const PROMPT: Flow = Flow {
    name: "test_input_required_result_prompt",
    description: "Asks for the context that it is about",
    rounds: &[&[(
        "user_context",
        Ask::Form("What context should the prompt use?", "context", "string"),
    )]],
    sealed: false,
    words: "Please work in this context: {}",
};

impl Ask {
    fn declared(self, client: &ClientCapabilities) -> bool {
        match self {
            Self::Form(..) => client.elicitation.is_some(),
            Self::Sample(..) => client.sampling.is_some(),
            Self::Roots => client.roots.is_some(),
        }
    }

    /// The capability that it takes, as the protocol names it.
    fn capability(self) -> &'static str {
        match self {
            Self::Form(..) => "elicitation",
            Self::Sample(..) => "sampling",
            Self::Roots => "roots",
        }
    }

    fn request(self) -> Value {
        match self {
            Self::Form(message, field, kind) => json!({
                "method": "elicitation/create",
                "params": {
                    "mode": "form",
                    "message": message,
                    "requestedSchema": {
                        "type": "object",
                        "properties": { field: { "type": kind } },
                        "required": [field],
                    },
                },
            }),
            Self::Sample(prompt, tokens) => json!({
                "method": "sampling/createMessage",
                "params": {
                    "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
                    "maxTokens": tokens,
                },
            }),
            Self::Roots => json!({ "method": "roots/list", "params": {} }),
        }
    }

    /// What the client's answer says in words.
    fn words(self, answer: &Value) -> Vec<String> {
        let found: Vec<&Value> = match self {
            Self::Form(_, field, _) => answer.pointer("/content").map(|c| &c[field]),
            Self::Sample(..) => answer.pointer("/content/text"),
            Self::Roots => {
                let roots = answer.get("roots").and_then(Value::as_array);
                return roots
                    .into_iter()
                    .flatten()
                    .filter_map(|root| root.get("uri")?.as_str().map(str::to_owned))
                    .collect();
            }
        }
        .into_iter()
        .collect();
        let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        found.into_iter().map(plain).collect()
    }
}

impl Flow {
    /// The next step: asks what the round wants and the client has not said, or comes to the end.
    ///
    /// # Errors
    /// The state was not made here, or the client has declared nothing of what the round asks for.
    pub fn step(
        &self,
        seal: &Seal,
        client: &ClientCapabilities,
        answers: Option<&InputResponses>,
        state: Option<&str>,
    ) -> Result<Step, ErrorData> {
        let round = match state.filter(|_| self.sealed) {
            Some(state) => seal.open(self.name, state).ok_or_else(|| {
                ErrorData::invalid_params("this `requestState` was not made here", None)
            })?,
            None => 0,
        };
        let asked = self.rounds.get(round).copied().unwrap_or_default();
        let wanted: Vec<_> = asked.iter().filter(|(_, a)| a.declared(client)).collect();
        if wanted.is_empty() {
            let missing: Vec<_> = asked.iter().map(|(_, ask)| ask.capability()).collect();
            return Err(undeclared(&missing));
        }
        // An answer without the state that went out with the question belongs to no question.
        let answers = answers.filter(|_| !self.sealed || state.is_some());
        let given: Vec<_> = wanted
            .iter()
            .filter_map(|(key, ask)| Some((ask, answers?.get(*key).filter(|a| a.is_object())?)))
            .collect();
        if given.len() < wanted.len() {
            return self.ask(seal, client, round);
        }
        if round + 1 < self.rounds.len() {
            return self.ask(seal, client, round + 1);
        }
        let words: Vec<String> = given.iter().flat_map(|(a, said)| a.words(said)).collect();
        Ok(Step::Done(self.words.replace("{}", &words.join(", "))))
    }

    fn ask(
        &self,
        seal: &Seal,
        client: &ClientCapabilities,
        round: usize,
    ) -> Result<Step, ErrorData> {
        let asked = self.rounds.get(round).copied().unwrap_or_default();
        let mut requests = InputRequests::new();
        for (key, ask) in asked.iter().filter(|(_, ask)| ask.declared(client)) {
            let request = serde_json::from_value(ask.request())
                .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            requests.insert((*key).to_owned(), request);
        }
        let state = self.sealed.then(|| seal.close(self.name, round));
        Ok(Step::Ask(InputRequiredResult::new(Some(requests), state)))
    }
}

/// The error for a client that has not declared what is needed.
pub fn undeclared(capabilities: &[&str]) -> ErrorData {
    let named = capabilities
        .iter()
        .map(|name| ((*name).to_owned(), json!({})));
    let required = Value::Object(named.collect());
    match serde_json::from_value(required) {
        Ok(required) => ErrorData::missing_required_client_capability(required),
        Err(error) => ErrorData::internal_error(error.to_string(), None),
    }
}
