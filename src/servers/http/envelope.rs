//! What a body says about itself before it is read in earnest: one JSON-RPC message, which method, which tool.
//!
//! Pure. What two readers could take differently (a name twice, a batch, a nesting that overflows one of them) is refused here, so
//! that what the gate decides about is what the library then does. Used by `gate`.

use serde::Deserialize;
use serde_json::Value;

/// How deep arrays and objects may stand in each other; the library's reader ends at 128.
const DEPTH: usize = 100;

/// The outside of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The id of a request.
    pub id: Value,
    /// What is asked for; none in a response.
    pub method: Option<String>,
    /// What `params.name` names: the tool of a `tools/call`, the prompt of a `prompts/get`.
    pub name: Option<String>,
}

/// Why a body is no message, with the JSON-RPC code for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// -32700 where it is no JSON, -32600 where it is no single message.
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    id: Value,
    method: Option<String>,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    name: Option<Value>,
}

/// Reads the outside of a message.
///
/// # Errors
/// It is no single JSON-RPC message.
pub fn read(body: &[u8]) -> Result<Envelope, Malformed> {
    let parse = |why: String| malformed(-32700, format!("the body is not JSON: {why}"));
    if depth(body) > DEPTH {
        let why = format!("the body nests arrays and objects more than {DEPTH} deep");
        return Err(malformed(-32600, why));
    }
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(parse("it is empty".to_owned())),
        Some(b'{') => {}
        Some(b'[') => {
            serde_json::from_slice::<serde::de::IgnoredAny>(body)
                .map_err(|e| parse(e.to_string()))?;
            let why = "the body is a JSON-RPC batch; send one message in each request";
            return Err(malformed(-32600, why.to_owned()));
        }
        Some(_) => {
            serde_json::from_slice::<serde::de::IgnoredAny>(body)
                .map_err(|e| parse(e.to_string()))?;
            let why = "the body is JSON but no JSON-RPC message, which is an object";
            return Err(malformed(-32600, why.to_owned()));
        }
    }
    let shape = |e: serde_json::Error| match e.is_data() {
        true => malformed(-32600, format!("the body is no JSON-RPC message: {e}")),
        false => parse(e.to_string()),
    };
    let raw: Raw = serde_json::from_slice(body).map_err(shape)?;
    let name = raw.params.and_then(|params| params.name);
    let name = match name {
        Some(Value::String(name)) => Some(name),
        _ => None,
    };
    Ok(Envelope {
        id: raw.id,
        method: raw.method,
        name,
    })
}

fn malformed(code: i32, message: String) -> Malformed {
    Malformed { code, message }
}

/// How deep the brackets outside strings go; what is no JSON is found by others.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        if quoted {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            quoted = !ends;
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
