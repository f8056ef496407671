//! A call that a server answers with questions: `input_required` since 2026-07-28, and the older error that a person has to go
//! to a URL first. After the answers the same request is sent again.
//!
//! A pure machine: no clock, no channel. `session::calls` feeds it. It never looks into `requestState`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use super::asks::MOST_OPEN;
use crate::mcp::ask::Ask;
use crate::mcp::convert;

/// Rounds after which a server that goes on asking is given up.
pub const MOST_ROUNDS: u32 = 10;
/// The first wait before a request is repeated that nobody was asked for; doubles.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The first wait for a person who has gone to a URL; doubles.
const FIRST_VISIT: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_VISIT: Duration = Duration::from_secs(30);

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Ask these, each by its key.
    Ask(Vec<(String, Ask)>),
    /// Send the request again after this long.
    Again(Duration),
    /// Other answers are still out.
    Wait,
}

/// The rounds of one call.
#[derive(Debug, Default)]
pub struct Rounds {
    count: u32,
    answers: BTreeMap<String, Option<Value>>,
    state: Option<Value>,
}

impl Rounds {
    /// How many rounds there were.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The server requires input.
    ///
    /// # Errors
    /// When it cannot be given, as a sentence.
    pub fn required(&mut self, result: &Value) -> Result<Step, String> {
        self.count += 1;
        self.answers.clear();
        self.state = result
            .get("requestState")
            .filter(|it| !it.is_null())
            .cloned();
        if self.count > MOST_ROUNDS {
            return Err(format!(
                "the server has asked for more input {MOST_ROUNDS} times and would go on"
            ));
        }
        let asks = questions(result)?;
        if asks.is_empty() && self.state.is_none() {
            return Err(
                "the server says that it requires input but asks for nothing and gives no state"
                    .to_owned(),
            );
        }
        if asks.is_empty() {
            return Ok(Step::Again(growing(self.count, FIRST_WAIT, LONGEST_WAIT)));
        }
        let keys = asks.iter().map(|(key, _)| (key.clone(), None));
        self.answers = keys.collect();
        Ok(Step::Ask(asks))
    }

    /// One question has been answered.
    pub fn answered(&mut self, key: &str, value: Value) -> Step {
        if let Some(answer) = self.answers.get_mut(key) {
            answer.get_or_insert(value);
        }
        match self.answers.values().all(Option::is_some) {
            true => Step::Again(Duration::ZERO),
            false => Step::Wait,
        }
    }

    /// What the next request carries besides its own parameters.
    pub fn extras(&self) -> Map<String, Value> {
        let given = |(key, value): (&String, &Option<Value>)| Some((key.clone(), value.clone()?));
        let responses: Map<String, Value> = self.answers.iter().filter_map(given).collect();
        let mut extras = Map::new();
        if !responses.is_empty() {
            extras.insert("inputResponses".to_owned(), responses.into());
        }
        if let Some(state) = &self.state {
            extras.insert("requestState".to_owned(), state.clone());
        }
        extras
    }
}

/// The questions of an `inputRequests`, in the server's order.
///
/// # Errors
/// When one of them cannot be asked, as a sentence.
pub fn questions(of: &Value) -> Result<Vec<(String, Ask)>, String> {
    let requests = match of.get("inputRequests") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(requests)) => requests,
        Some(_) => return Err("the server's `inputRequests` is no JSON object".to_owned()),
    };
    if requests.len() > MOST_OPEN {
        return Err(format!(
            "the server asks for {} inputs at once; {MOST_OPEN} is the most",
            requests.len()
        ));
    }
    let read = |(key, request): (&String, &Value)| match convert::ask(request) {
        Ok(ask) => Ok((key.clone(), ask)),
        Err((_, why)) => Err(format!(
            "the server asks for input that cannot be given (`{}`): {why}",
            convert::excerpt(key)
        )),
    };
    requests.iter().map(read).collect()
}

fn growing(count: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = 1 << count.saturating_sub(1).min(10);
    first.saturating_mul(doubled).min(longest)
}

/// The visits that a server requires before it carries a call (error -32042 of 2025-11-25).
#[derive(Debug, Default)]
pub struct Visits {
    count: u32,
    open: BTreeSet<String>,
    accepted: BTreeSet<String>,
}

impl Visits {
    /// The server has refused the call until the person has gone to some URLs. A visit that was agreed to is not asked for
    /// again: the person may still be at it, so the call waits a little longer each time.
    ///
    /// # Errors
    /// When there is nowhere to go, or it was tried too often.
    pub fn required(&mut self, data: Option<&Value>) -> Result<Step, String> {
        self.count += 1;
        let list = data.and_then(|data| data.get("elicitations"));
        let list = list.and_then(Value::as_array).filter(|it| !it.is_empty());
        let list = list.ok_or("it names no URL")?;
        if self.count > MOST_ROUNDS {
            return Err(format!("it was tried {MOST_ROUNDS} times"));
        }
        if list.len() > MOST_OPEN {
            return Err(format!("it names more than {MOST_OPEN} URLs"));
        }
        let mut fresh = Vec::new();
        for item in list {
            let ask = convert::url_ask(item)?;
            let key = match &ask {
                Ask::Url { id: Some(id), .. } => id.clone(),
                Ask::Url { url, .. } => url.clone(),
                Ask::Roots | Ask::Sampling(_) | Ask::Form { .. } => continue,
            };
            if !self.accepted.contains(&key) && self.open.insert(key.clone()) {
                fresh.push((key, ask));
            }
        }
        match fresh.is_empty() {
            true => Ok(Step::Again(growing(self.count, FIRST_VISIT, LONGEST_VISIT))),
            false => Ok(Step::Ask(fresh)),
        }
    }

    /// The person has agreed to go there.
    pub fn accepted(&mut self, key: &str) -> Step {
        self.open.remove(key);
        self.accepted.insert(key.to_owned());
        match self.open.is_empty() {
            true => Step::Again(Duration::ZERO),
            false => Step::Wait,
        }
    }

    /// Whether the person has agreed to this visit.
    pub fn knows(&self, key: &str) -> bool {
        self.accepted.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn roots() -> Value {
        json!({ "method": "roots/list" })
    }

    proptest! {
        #[test]
        fn the_retry_carries_each_answer_and_the_state_as_it_was(
            keys in proptest::collection::btree_set("\\PC{0,6}", 1..6),
            state in proptest::option::of("\\PC{0,40}"),
            order in any::<proptest::sample::Index>(),
        ) {
            let requests: Map<String, Value> = keys.iter().map(|key| (key.clone(), roots())).collect();
            let mut result = json!({ "resultType": "input_required", "inputRequests": requests });
            if let Some(state) = &state {
                result["requestState"] = state.as_str().into();
            }
            let mut rounds = Rounds::default();
            let step = rounds.required(&result).map_err(TestCaseError::fail)?;
            let Step::Ask(asked) = step else {
                return Err(TestCaseError::fail("nothing is asked"));
            };
            let mut left: Vec<String> = asked.into_iter().map(|(key, _)| key).collect();
            prop_assert_eq!(left.len(), keys.len());
            while !left.is_empty() {
                let key = left.remove(order.index(left.len()));
                let step = rounds.answered(&key, json!({ "of": key }));
                let expected = if left.is_empty() { Step::Again(Duration::ZERO) } else { Step::Wait };
                prop_assert_eq!(step, expected);
            }
            let extras = rounds.extras();
            prop_assert_eq!(extras.get("requestState").cloned(), state.map(Value::from));
            let responses = extras["inputResponses"].as_object().cloned().unwrap_or_default();
            prop_assert_eq!(responses.len(), keys.len());
            for key in keys {
                prop_assert_eq!(&responses[&key], &json!({ "of": key }));
            }
        }

        #[test]
        fn a_server_that_asks_for_ever_is_given_up(shapes in proptest::collection::vec(any::<bool>(), 11..30)) {
            let mut rounds = Rounds::default();
            let mut repeated = 0;
            for asks in shapes {
                let result = match asks {
                    true => json!({ "inputRequests": { "a": roots() } }),
                    false => json!({ "requestState": "s" }),
                };
                let Ok(step) = rounds.required(&result) else { break };
                repeated += 1;
                let expected = matches!(step, Step::Ask(_)) == asks;
                prop_assert!(expected);
            }
            prop_assert_eq!(repeated, MOST_ROUNDS);
        }
    }

    #[test]
    fn an_old_round_leaves_nothing_in_the_next() {
        let mut rounds = Rounds::default();
        let first = json!({ "inputRequests": { "a": roots() }, "requestState": "1" });
        rounds.required(&first).unwrap();
        rounds.answered("a", json!({ "roots": [] }));
        rounds.answered("stranger", json!(1));
        rounds
            .required(&json!({ "inputRequests": { "b": roots() } }))
            .unwrap();
        assert_eq!(rounds.answered("a", json!({})), Step::Wait);
        rounds.answered("b", json!({ "roots": [1] }));
        let expected = json!({ "inputResponses": { "b": { "roots": [1] } } });
        assert_eq!(Value::from(rounds.extras()), expected);
    }

    #[test]
    fn what_cannot_be_given_fails_with_words() {
        for bad in [
            json!({}),
            json!({ "inputRequests": {} }),
            json!({ "inputRequests": 1, "requestState": "s" }),
            json!({ "inputRequests": { "a": { "method": "tools/call" } } }),
            json!({ "inputRequests": { "a": { "method": "elicitation/create" } } }),
        ] {
            assert!(Rounds::default().required(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_visit_is_asked_for_once_and_then_waited_for() {
        let data = json!({ "elicitations": [
            { "mode": "url", "url": "https://a.example", "elicitationId": "1", "message": "m" },
            { "mode": "url", "url": "https://b.example", "elicitationId": "2", "message": "m" },
        ] });
        let mut visits = Visits::default();
        let Ok(Step::Ask(asked)) = visits.required(Some(&data)) else {
            panic!("asked");
        };
        assert_eq!(asked.len(), 2);
        assert_eq!(visits.accepted("1"), Step::Wait);
        assert_eq!(visits.accepted("2"), Step::Again(Duration::ZERO));
        let mut last = Duration::ZERO;
        for _ in 1..MOST_ROUNDS {
            let Ok(Step::Again(wait)) = visits.required(Some(&data)) else {
                panic!("waited");
            };
            assert!(wait >= last && wait <= LONGEST_VISIT);
            last = wait;
        }
        assert!(visits.required(Some(&data)).is_err());
        assert!(Visits::default().required(Some(&json!({}))).is_err());
    }
}
