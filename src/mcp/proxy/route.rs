//! Which client's stream a message of the server is for. Pure.
//!
//! Behind the HTTP door a server sees one pipe and its clients see many streams: one for each request that waits, and one that a
//! client may keep open for everything else. Where several clients share a server (the era without sessions), their ids and
//! progress tokens would meet, so each request gets a number of our own, which is put back in what comes for it.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The key by which a notification of the era without sessions names the request that it belongs to.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// Messages that wait for a stream; of more the oldest goes.
const MOST_WAITING: usize = 256;

/// A stream to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// The streams of one server's process.
#[derive(Debug, Default)]
pub struct Routes {
    /// Whether ids and tokens are replaced.
    shared: bool,
    next: u64,
    /// Requests that wait, by the id on the server's pipe, as JSON text.
    waiting: HashMap<String, Waiting>,
    /// The stream for everything else.
    open: Option<StreamId>,
    /// What no stream could take yet.
    kept: VecDeque<Said>,
}

/// A message, with the line in which it came: reading it would lose something, such as the digits of a very long number.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// What it says.
    pub message: Value,
    /// The line; absent where it is another one by now.
    pub line: Option<String>,
}

impl Said {
    /// One of our own.
    pub fn own(message: Value) -> Self {
        Self {
            message,
            line: None,
        }
    }

    /// What a client is told in the place of an answer that cannot be read: it would wait for it in vain.
    pub fn no_answer(id: &Value, why: &str) -> Self {
        let message = format!("mcpdeck proxy: the answer cannot be passed on: {why}");
        let error = json!({ "code": -32000, "message": message });
        Self::own(json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    }

    /// One with what was written, which may have been several lines: between JSON's values a line end is a blank.
    pub fn written(message: Value, text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim();
        Self {
            message,
            line: Some(text.replace(['\r', '\n'], " ")),
        }
    }

    /// One line.
    pub fn text(&self) -> String {
        match &self.line {
            Some(line) => line.clone(),
            None => self.message.to_string(),
        }
    }

    /// The same under another id.
    fn set_id(&mut self, id: Value) {
        let line = self.line.take();
        self.line = line.and_then(|line| with_id(&line, &id));
        self.message["id"] = id;
    }
}

/// The members of an object as they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// A line with another id, and all else in it as it was written.
fn with_id(line: &str, id: &Value) -> Option<String> {
    let Members(members) = serde_json::from_str(line).ok()?;
    let id = id.to_string();
    let member = |(key, value): &(String, &RawValue)| {
        let value = if key == "id" { &id } else { value.get() };
        format!("{}:{value}", Value::from(key.as_str()))
    };
    let members: Vec<String> = members.iter().map(member).collect();
    Some(format!("{{{}}}", members.join(",")))
}

#[derive(Debug)]
struct Waiting {
    stream: StreamId,
    /// The client's own id.
    id: Value,
    /// The client's own progress token, and the one on the pipe as JSON text.
    token: Option<(Value, String)>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq)]
pub struct To {
    /// Which stream.
    pub stream: StreamId,
    /// The message as the client is to read it.
    pub said: Said,
    /// It is the answer: the stream ends with it.
    pub last: bool,
}

impl Routes {
    /// The routes of a server that one client has for itself, or of one that many share.
    pub fn new(shared: bool) -> Self {
        Self {
            shared,
            ..Self::default()
        }
    }

    /// A request goes to the server: gives it as it is to be written.
    pub fn ask(&mut self, stream: StreamId, mut said: Said) -> Said {
        let request = &mut said.message;
        let id = request.get("id").cloned().unwrap_or(Value::Null);
        let pointer = "/params/_meta/progressToken";
        let token = request.pointer(pointer).cloned();
        if self.shared {
            self.next += 1;
            let number = Value::from(self.next);
            if token.is_some()
                && let Some(place) = request.pointer_mut(pointer)
            {
                *place = number.clone();
                said.line = None;
            }
            said.set_id(number);
        }
        let request = &said.message;
        let on_pipe = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
        let token = token.map(|token| (token, on_pipe(request.pointer(pointer))));
        let key = on_pipe(request.get("id"));
        self.waiting.insert(key, Waiting { stream, id, token });
        said
    }

    /// A message of the server: where it goes; nothing when it has to wait for a stream, or when nobody waits for it any more.
    pub fn route(&mut self, mut said: Said) -> Option<To> {
        let is_answer = said.message.get("method").is_none();
        if is_answer {
            let key = said.message.get("id")?.to_string();
            let asked = self.waiting.remove(&key)?;
            if self.shared {
                said.set_id(asked.id);
            }
            return Some(To {
                stream: asked.stream,
                said,
                last: true,
            });
        }
        let of_request = self.owner(&mut said);
        // A request that waits is the likely cause of what names none; the newest is the likeliest.
        let newest = || self.waiting.values().map(|asked| asked.stream).max();
        match of_request.or(self.open).or_else(newest) {
            Some(stream) => Some(To {
                stream,
                said,
                last: false,
            }),
            None => {
                if self.kept.len() == MOST_WAITING {
                    self.kept.pop_front();
                }
                self.kept.push_back(said);
                None
            }
        }
    }

    /// The stream of the request that a notification names; what stands for the client's own id or token is put back.
    fn owner(&self, said: &mut Said) -> Option<StreamId> {
        let Said { message, line } = said;
        let pointer = "/params/progressToken";
        if let Some(place) = message.pointer_mut(pointer) {
            let key = place.to_string();
            let mut all = self.waiting.values();
            let found = all.find_map(|asked| {
                let (own, on_pipe) = asked.token.as_ref()?;
                (*on_pipe == key).then_some((own, asked.stream))
            });
            if let Some((own, stream)) = found {
                if self.shared {
                    *place = own.clone();
                    *line = None;
                }
                return Some(stream);
            }
        }
        let place = message
            .pointer_mut("/params/_meta")?
            .get_mut(SUBSCRIPTION)?;
        let asked = self.waiting.get(&place.to_string())?;
        if self.shared {
            *place = asked.id.clone();
            *line = None;
        }
        Some(asked.stream)
    }

    /// A client keeps a stream open for everything that belongs to no request. Gives what waited for one.
    pub fn open(&mut self, stream: StreamId) -> Vec<Said> {
        self.open = Some(stream);
        self.kept.drain(..).collect()
    }

    /// The stream that is open for that now.
    pub fn opened(&self) -> Option<StreamId> {
        self.open
    }

    /// A stream is gone. Gives the ids, as on the pipe, of the requests that nobody waits for any more.
    pub fn close(&mut self, stream: StreamId) -> Vec<Value> {
        if self.open == Some(stream) {
            self.open = None;
        }
        let mut gone = Vec::new();
        self.waiting.retain(|key, asked| {
            if asked.stream == stream {
                gone.extend(serde_json::from_str(key));
            }
            asked.stream != stream
        });
        gone
    }

    /// Whether anybody waits for anything.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.open.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(id: u64, token: &str) -> Said {
        Said::own(
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "_meta": { "progressToken": token } } }),
        )
    }

    fn answer(id: &Value) -> Said {
        Said::own(json!({ "jsonrpc": "2.0", "id": id, "result": {} }))
    }

    #[test]
    fn what_was_written_stays_but_for_the_id_of_a_client_that_shares() {
        let asks = r#"{ "jsonrpc":"2.0", "id":"a", "method":"tools/call", "params":{"n":123456789012345678901234567890} }"#;
        let tells = |id: &str| {
            format!(r#"{{"id":{id} ,"result":{{"n":1e2, "n":0.10000000000000000000001}}}}"#)
        };
        let said = |text: &str| Said::written(serde_json::from_str(text).unwrap(), text);
        let mut alone = Routes::new(false);
        assert_eq!(alone.ask(StreamId(1), said(asks)).text(), asks);
        let written = tells("\"a\"");
        assert_eq!(alone.route(said(&written)).unwrap().said.text(), written);
        let mut shared = Routes::new(true);
        assert_eq!(
            shared.ask(StreamId(1), said(asks)).text(),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n":123456789012345678901234567890}}"#
        );
        assert_eq!(
            shared.route(said(&tells("1"))).unwrap().said.text(),
            r#"{"id":"a","result":{"n":1e2, "n":0.10000000000000000000001}}"#
        );
        // A body may have several lines, a pipe and an event have one.
        assert_eq!(said("{\r\n\"id\":\n1}\n").text(), "{  \"id\": 1}");
    }

    #[test]
    fn each_message_finds_the_stream_that_it_belongs_to() {
        let mut routes = Routes::new(false);
        let (one, two, open) = (StreamId(1), StreamId(2), StreamId(3));
        assert_eq!(routes.ask(one, request(1, "a")), request(1, "a"));
        routes.ask(two, request(2, "b"));
        let progress = |token: &str| {
            Said::own(
                json!({ "method": "notifications/progress", "params": { "progressToken": token } }),
            )
        };
        assert_eq!(routes.route(progress("a")).unwrap().stream, one);
        assert_eq!(routes.route(progress("b")).unwrap().stream, two);
        let change = Said::own(json!({ "method": "notifications/tools/list_changed" }));
        assert_eq!(
            routes.route(change.clone()).unwrap().stream,
            two,
            "the newest"
        );
        assert!(routes.open(open).is_empty());
        assert_eq!(routes.route(change.clone()).unwrap().stream, open);
        let to = routes.route(answer(&json!(1))).unwrap();
        assert_eq!((to.stream, to.last), (one, true));
        assert!(
            routes.route(answer(&json!(1))).is_none(),
            "answered already"
        );
        assert!(routes.close(open).is_empty());
        assert_eq!(routes.close(two), [json!(2)]);
        assert!(routes.is_idle());
        assert!(routes.route(change.clone()).is_none());
        assert_eq!(routes.open(open), [change]);
    }

    #[test]
    fn what_waits_for_a_stream_is_bounded() {
        let mut routes = Routes::new(false);
        for number in 0..1_000 {
            routes.route(Said::own(
                json!({ "method": "notifications/message", "params": { "n": number } }),
            ));
        }
        let kept = routes.open(StreamId(1));
        assert_eq!(kept.len(), MOST_WAITING);
        assert_eq!(kept.last().unwrap().message["params"]["n"], 999);
    }

    proptest! {
        /// Many clients with the same ids and tokens: each gets what is its own, under the names that it gave.
        #[test]
        fn clients_that_share_a_server_never_get_what_is_anothers(
            asked in proptest::collection::vec((0u64..3, "[ab]"), 1..20),
            order in any::<prop::sample::Index>(),
        ) {
            let mut routes = Routes::new(true);
            let mut on_pipe = Vec::new();
            for (at, (id, token)) in asked.iter().enumerate() {
                on_pipe.push(routes.ask(StreamId(at as u64), request(*id, token)));
            }
            let turn = order.index(on_pipe.len());
            on_pipe.rotate_left(turn);
            for (place, sent) in on_pipe.iter().enumerate() {
                let at = (place + turn) % asked.len();
                let sent = &sent.message;
                let token = &sent["params"]["_meta"]["progressToken"];
                let progress = json!({ "method": "notifications/progress", "params": { "progressToken": token } });
                let to = routes.route(Said::own(progress)).unwrap();
                prop_assert_eq!(to.stream, StreamId(at as u64));
                prop_assert_eq!(&to.said.message["params"]["progressToken"], &json!(asked[at].1));
                let event = json!({ "method": "notifications/x", "params": { "_meta": { SUBSCRIPTION: sent["id"] } } });
                let to = routes.route(Said::own(event)).unwrap();
                prop_assert_eq!(to.stream, StreamId(at as u64));
                prop_assert_eq!(&to.said.message["params"]["_meta"][SUBSCRIPTION], &json!(asked[at].0));
                let to = routes.route(answer(&sent["id"])).unwrap();
                prop_assert_eq!(to.stream, StreamId(at as u64));
                prop_assert_eq!(&to.said.message["id"], &json!(asked[at].0));
            }
            prop_assert!(routes.is_idle());
        }
    }
}
