//! `mcpdeck serve scripted FILE`: a raw line server that plays a small TOML script, well or badly behaved, for tests.
//!
//! It knows no protocol library, so that it can do what one would not: write noise, break off, never answer, refuse to end.
//! Only `cli::serve` starts it. `script` says what can stand in one.
//!
//! Without a rule: the handshakes of its era, `ping`, the tools above, and for each call one text block that holds the request's
//! line as it came. The tool `seen` answers with every line that was received, one block each.

mod raw;
mod script;

use std::io::BufRead;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use self::raw::{Marks, drip, err_lines, out_line};
use self::script::{Era, Rule, Script, Step};

/// Plays the script until stdin closes or the script ends it; gives the exit code.
///
/// # Errors
/// When the script cannot be read, as a sentence.
pub fn run(script: &Path) -> Result<u8, String> {
    let text = std::fs::read_to_string(script)
        .map_err(|error| format!("cannot read {}: {error}", script.display()))?;
    let mut script: Script = toml::from_str(&text)
        .map_err(|error| format!("cannot understand {}: {error}", script.display()))?;
    script.expand();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    Ok(runtime.block_on(play(script)))
}

async fn play(script: Script) -> u8 {
    let start = &script.start;
    if start.ignore_term {
        let kind = tokio::signal::unix::SignalKind::terminate();
        // Held for the life of the process: a signal that is handled no longer ends it.
        std::mem::forget(tokio::signal::unix::signal(kind));
    }
    let grandchild = start.spawn.split_first().map(|(program, args)| {
        std::process::Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    });
    if let Some(Ok(grandchild)) = &grandchild {
        err_lines(&[format!("spawned {}", grandchild.id())]);
    }
    sleep(Duration::from_millis(start.delay_ms)).await;
    err_lines(&start.stderr);
    for number in 0..start.stderr_lines {
        err_lines(&[format!("line {number} of a flood")]);
    }
    start.stdout.iter().for_each(|line| out_line(line));
    if let Some(code) = start.exit {
        return code;
    }
    serve(script).await
}

async fn serve(mut script: Script) -> u8 {
    if script.start.deaf {
        return std::future::pending().await;
    }
    let (lines, mut received) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (arrived, arrivals) = watch::channel(());
    let (exit, mut exits) = mpsc::unbounded_channel();
    loop {
        let line = tokio::select! {
            code = exits.recv() => return code.unwrap_or(0),
            line = received.recv() => line,
        };
        match line {
            Some(line) => {
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line.clone());
                arrived.send_replace(());
                if let Some(reply) = script.reply(&line, &seen) {
                    let answered = Answered {
                        seen: Arc::clone(&seen),
                        arrivals: arrivals.clone(),
                    };
                    tokio::spawn(reply.play(exit.clone(), answered));
                }
            }
            None if script.start.ignore_eof => std::future::pending().await,
            None => return 0,
        }
    }
}

/// Tells when the client has answered.
struct Answered {
    seen: Arc<Mutex<Vec<String>>>,
    arrivals: watch::Receiver<()>,
}

impl Answered {
    async fn to(mut self, id: &str) {
        let is_it = |line: &String| {
            let message: Value = serde_json::from_str(line).unwrap_or_default();
            message.get("method").is_none() && message["id"] == id
        };
        let here = |_: &()| {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().any(is_it)
        };
        let _the_end_has_come = self.arrivals.wait_for(here).await;
    }
}

/// What is done about one message.
struct Reply {
    id: Value,
    token: Value,
    rule: Rule,
}

impl Script {
    fn reply(&mut self, line: &str, seen: &Mutex<Vec<String>>) -> Option<Reply> {
        let message: Value = serde_json::from_str(line).ok()?;
        let method = message.get("method")?.as_str()?.to_owned();
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        let of_params = |key: &str| message.get("params").and_then(|params| params.get(key));
        let token = of_params("_meta")
            .and_then(|meta| meta.get("progressToken"))
            .cloned()
            .unwrap_or(Value::Null);
        let fits = |rule: &Rule| {
            let same = |wanted: &Option<String>, key: &str| {
                wanted.is_none() || of_params(key).and_then(Value::as_str) == wanted.as_deref()
            };
            rule.method == method
                && rule
                    .after
                    .as_ref()
                    .is_none_or(|method| was_received(seen, method))
                && rule.times != Some(0)
                && same(&rule.tool, "name")
                && same(&rule.cursor, "cursor")
                && rule
                    .has
                    .as_deref()
                    .is_none_or(|key| of_params(key).is_some())
        };
        let mut fitting = self.on.iter_mut().filter(|rule| fits(rule));
        let mut rule = match fitting.find_map(Rule::unless_skipped) {
            Some(rule) => {
                rule.times = rule.times.map(|times| times - 1);
                rule.clone()
            }
            None => self.unscripted(&method, &id)?,
        };
        let says_something = rule.result.is_some() || rule.error.is_some();
        if !says_something && !rule.silent && rule.exit.is_none() {
            let tool = of_params("name").and_then(Value::as_str);
            rule.result = Some(answer(tool, line, seen));
        }
        Some(Reply { id, token, rule })
    }

    /// The good behaviour where no rule says otherwise.
    fn unscripted(&self, method: &str, id: &Value) -> Option<Rule> {
        let info = json!({ "name": "scripted", "version": "1.0.0" });
        let can = || json!({ "tools": { "listChanged": true } });
        let can = self.capabilities.clone().unwrap_or_else(can);
        let revision = self.revision.as_deref().unwrap_or("2025-11-25");
        let result = match method {
            "initialize" if self.era != Era::Modern => json!({
                "protocolVersion": revision, "capabilities": can, "serverInfo": info,
            }),
            "server/discover" if self.era != Era::Legacy => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": can,
                "ttlMs": 0, "cacheScope": "private",
                "_meta": { "io.modelcontextprotocol/serverInfo": info },
            }),
            "ping" => json!({}),
            "tools/list" => json!({ "tools": self.tools }),
            // Answered by `answer`, which needs the line.
            "tools/call" => return Some(Rule::plain(method, None, None)),
            _ if id.is_null() => return None,
            _ => {
                let error = json!({ "code": -32601, "message": format!("no method {method}") });
                return Some(Rule::plain(method, None, Some(error)));
            }
        };
        Some(Rule::plain(method, Some(result), None))
    }
}

/// Whether a message of this method has come.
fn was_received(seen: &Mutex<Vec<String>>, method: &str) -> bool {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let of_it = |line: &String| {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        message["method"] == method
    };
    seen.iter().any(of_it)
}

fn answer(tool: Option<&str>, line: &str, seen: &Mutex<Vec<String>>) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let content: Vec<Value> = match tool {
        Some("seen") => {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().map(|line| text(line)).collect()
        }
        _ => vec![text(line)],
    };
    json!({ "content": content })
}

impl Reply {
    async fn play(self, exit: mpsc::UnboundedSender<u8>, answered: Answered) {
        let rule = self.rule;
        let marks = Marks {
            id: self.id.to_string(),
            token: self.token.to_string(),
        };
        marks.write(&rule).await;
        if let Some(id) = &rule.wait_for {
            answered.to(id).await;
        }
        progress(&self.token, rule.progress).await;
        sleep(Duration::from_millis(rule.delay_ms)).await;
        if let Some(code) = rule.exit {
            let _already_ending = exit.send(code);
            return;
        }
        if rule.silent || self.id.is_null() {
            return;
        }
        let mut reply = json!({ "jsonrpc": "2.0", "id": self.id });
        match (rule.result, rule.error) {
            (_, Some(error)) => reply["error"] = error,
            (result, None) => reply["result"] = result.unwrap_or_else(|| json!({})),
        }
        drip(&reply.to_string(), rule.drip_ms).await;
    }
}

async fn progress(token: &Value, steps: Vec<Step>) {
    for step in steps {
        sleep(Duration::from_millis(step.delay_ms)).await;
        let mut params = json!({ "progressToken": token, "progress": step.progress });
        if let Some(params) = params.as_object_mut() {
            params.extend(step.total.map(|total| ("total".to_owned(), total.into())));
            params.extend(
                step.message
                    .map(|words| ("message".to_owned(), words.into())),
            );
        }
        let progress = json!({
            "jsonrpc": "2.0", "method": "notifications/progress", "params": params,
        });
        out_line(&progress.to_string());
    }
}
