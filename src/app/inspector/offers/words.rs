//! A call as something to copy: as a line for a shell, and as the JSON of its request.
//!
//! Pure. What is copied is what is sent: the line runs the same call, and nothing in it can be taken for keys or for another command.

use serde_json::{Map, Value, json};

use super::Offered;
use crate::config::{Launch, ProtocolChoice, ServerSpec};
use crate::ids::ServerName;
use crate::text::{clean, sh};

/// The call as `mcpdeck ...`; of a server that no configuration knows, with how it is started or reached. Absent: a name in it
/// cannot be pasted into a terminal as it is, or would be taken for something else. Values of variables and headers may be secret:
/// the shell's own variable is passed on, and a header's value is left to be filled in.
pub fn shell(
    server: &ServerName,
    by: Option<&ServerSpec>,
    of: &Offered,
    arguments: &Value,
) -> Option<String> {
    let (mut words, mut names) = asked(of, arguments);
    words.extend(by.into_iter().flat_map(means));
    let by = by.map(|spec| &spec.launch);
    let called = match by {
        Some(Launch::Http(http)) => &http.url,
        _ => server.as_str(),
    };
    names.insert(0, called.to_owned());
    // A name is never taken for a flag.
    let is_flag = names.iter().any(|name| name.starts_with('-'));
    if is_flag {
        words.push("--".to_owned());
    }
    words.extend(names);
    if let Some(Launch::Stdio(child)) = by {
        // Behind `--` there are no flags, and a command has none of its own.
        if is_flag || child.args.iter().any(|word| word == "--") {
            return None;
        }
        words.extend(["--run".to_owned(), child.command.clone()]);
        words.extend(child.args.iter().cloned());
    }
    let quoted: Option<Vec<String>> = words.iter().map(|word| sh::quoted(word)).collect();
    Some(quoted?.join(" "))
}

/// The flags for how it is spoken to.
fn means(spec: &ServerSpec) -> Vec<String> {
    let mut words = Vec::new();
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    match spec.protocol {
        ProtocolChoice::Auto => {}
        ProtocolChoice::Modern => flag("--protocol", "modern".to_owned()),
        ProtocolChoice::Legacy => flag("--protocol", "legacy".to_owned()),
    }
    match &spec.launch {
        Launch::Stdio(child) => {
            let names = child.env.keys().chain(&child.env_vars);
            names.for_each(|name| flag("--env", name.clone()));
        }
        Launch::Http(http) => {
            let names = http.headers.keys();
            names.for_each(|name| flag("--header", format!("{name}: VALUE")));
        }
        Launch::Bundled(_) => {}
    }
    words
}

/// The subcommand with its flags, and the words behind the server.
fn asked(of: &Offered, arguments: &Value) -> (Vec<String>, Vec<String>) {
    let mut words = vec!["mcpdeck".to_owned()];
    let mut names = vec![of.name().to_owned()];
    match of {
        Offered::Tool(_) => {
            words.push("call".to_owned());
            if arguments
                .as_object()
                .is_some_and(|object| !object.is_empty())
            {
                words.extend(["--args".to_owned(), clean::json(arguments.to_string())]);
            }
        }
        Offered::Resource(_) | Offered::Template(_) => {
            words.push("read".to_owned());
            let uri = arguments.get("uri").and_then(Value::as_str);
            names = vec![uri.unwrap_or(of.name()).to_owned()];
        }
        Offered::Prompt(_) => {
            words.push("prompt".to_owned());
            let pairs = arguments.as_object().into_iter().flatten();
            names.extend(pairs.map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={text}")
            }));
        }
    }
    (words, names)
}

/// The request of the call, as JSON over several lines.
pub fn request(of: &Offered, arguments: &Value) -> String {
    let (method, params) = match of {
        Offered::Tool(name) => ("tools/call", json!({"name": name, "arguments": arguments})),
        Offered::Prompt(name) => ("prompts/get", json!({"name": name, "arguments": arguments})),
        Offered::Resource(uri) | Offered::Template(uri) => {
            let uri = arguments.get("uri").and_then(Value::as_str).unwrap_or(uri);
            ("resources/read", json!({"uri": uri}))
        }
    };
    let mut request = Map::new();
    request.insert("method".to_owned(), method.into());
    request.insert("params".to_owned(), params);
    serde_json::to_string_pretty(&Value::Object(request)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_line_that_a_shell_reads_as_it_is() {
        let server = ServerName::new("files");
        let line = |of: Offered, arguments: Value| shell(&server, None, &of, &arguments);
        assert_eq!(
            line(
                Offered::Tool("get-sum".into()),
                json!({"a": 1, "b": "it's đ"})
            )
            .as_deref(),
            Some(r#"mcpdeck call --args '{"a":1,"b":"it'\''s đ"}' files get-sum"#)
        );
        assert_eq!(
            line(Offered::Tool("-rm".into()), json!({})).as_deref(),
            Some("mcpdeck call -- files -rm")
        );
        assert_eq!(
            line(
                Offered::Tool("x".into()),
                json!({"t": "\u{1b}[201~\u{202e}\u{7f}"})
            )
            .as_deref(),
            Some(r#"mcpdeck call --args '{"t":"\u001b[201~\u202e\u007f"}' files x"#)
        );
        assert_eq!(line(Offered::Tool("x\u{1b}".into()), json!({})), None);
        assert_eq!(
            line(
                Offered::Template("a://{b}".into()),
                json!({"uri": "a://b c"})
            )
            .as_deref(),
            Some("mcpdeck read files 'a://b c'")
        );
        assert_eq!(
            line(Offered::Prompt("hi".into()), json!({"who": "Ánh & co"})).as_deref(),
            Some("mcpdeck prompt files hi 'who=Ánh & co'")
        );
    }
}
