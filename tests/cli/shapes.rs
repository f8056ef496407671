//! A server with more than forty shapes of schemas: each is filled in by keys in the form that its listed schema makes, the
//! call is copied as a line for a shell, `sh` runs that line, and what arrives at the server is what was filled in.

use std::process::Command;

use mcpdeck::app::composer::{Edit, Motion};
use mcpdeck::app::form::tree::{RowKind, Tree, TreeKey};
use mcpdeck::app::inspector::offers::{Offered, words};
use mcpdeck::ids::ServerName;
use serde_json::{Value, json};

use crate::deck::{BIN, Deck};

/// One shape: its schema, the keys that fill it in, and what they come to.
struct Shape {
    name: String,
    keys: Vec<Vec<String>>,
    sends: Value,
}

fn fixture() -> Vec<Value> {
    let text = include_str!("../fixtures/shapes/shapes.json");
    serde_json::from_str(text).expect("the fixture")
}

fn shape(of: &Value) -> Shape {
    Shape {
        name: of["name"].as_str().expect("a name").to_owned(),
        keys: serde_json::from_value(of["keys"].clone()).expect("keys"),
        sends: of["sends"].clone(),
    }
}

/// Gives a row the keys: `name`, `name#1` for the second of that name, `+list` adds to it, `&object` adds a name, `=name` is what
/// is on the way that was chosen there.
fn enter(tree: &mut Tree, row: &str) {
    let (name, nth) = match row.split_once('#') {
        Some((name, nth)) => (name, nth.parse().expect("a number")),
        None => (row, 0),
    };
    let of = name.trim_start_matches(['+', '&', '=']);
    let fits = |at: &usize| {
        let row = &tree.rows[*at];
        let sort = match row.kind {
            RowKind::AddItem => name.starts_with('+'),
            RowKind::AddName(_) => name.starts_with('&'),
            _ => !name.starts_with(['+', '&']) && (row.way > 0) == name.starts_with('='),
        };
        // The innermost of that name is meant: lists within lists have items of the same names.
        sort && row.name == of
    };
    let found: Vec<usize> = (0..tree.rows.len()).filter(fits).collect();
    let at = if row.contains('#') {
        found.get(nth)
    } else {
        found.last()
    };
    let at = *at.unwrap_or_else(|| panic!("no row {row} in {:#?}", tree.rows));
    // A row that has the keys keeps its option.
    if tree.at != at {
        tree.enter(at);
    }
}

fn press(tree: &mut Tree, key: &[String]) {
    enter(tree, &key[0]);
    match (key[1].as_str(), key.get(2)) {
        ("type", Some(text)) => text.chars().for_each(|c| tree.insert(c)),
        ("right", None) => tree.press(TreeKey::Right, 0),
        ("left", None) => tree.press(TreeKey::Left, 0),
        ("space", None) => tree.insert(' '),
        ("enter", None) => tree.press(TreeKey::Act, 0),
        ("special", None) => tree.press(TreeKey::Special, 0),
        ("clear", None) => tree.press(TreeKey::Clear, 0),
        ("erase", None) => {
            tree.edit(Edit::Move(Motion::End));
            tree.edit(Edit::Delete(Motion::Start));
        }
        other => panic!("no such key: {other:?}"),
    }
}

/// Runs the line as a person would who pastes it: `mcpdeck` is found on the path.
fn run(deck: &Deck, line: &str) -> Value {
    let folder = std::path::Path::new(BIN).parent().expect("a folder");
    let path = format!(
        "{}:{}",
        folder.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let own = deck.command(&[]);
    let mut sh = Command::new("sh");
    // Where the configuration lies is this test's own affair.
    let config = own
        .get_args()
        .nth(1)
        .expect("a configuration")
        .to_string_lossy();
    let rest = line.strip_prefix("mcpdeck call").expect("a call");
    let line = format!("mcpdeck --config '{config}' call --json{rest}");
    sh.arg("-c").arg(&line);
    if let Some(folder) = own.get_current_dir() {
        sh.current_dir(folder);
    }
    sh.env_clear();
    for (name, value) in own.get_envs() {
        if let Some(value) = value {
            sh.env(name, value);
        }
    }
    let out = sh.env("PATH", path).output().expect("sh");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{line}\n{text}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let echoed = document["content"][0]["text"].as_str().expect("a text");
    serde_json::from_str::<Value>(echoed).expect("the request")["params"].clone()
}

#[test]
fn every_shape_is_filled_in_sent_and_arrives_as_it_was() {
    let all = fixture();
    assert!(all.len() >= 40, "{}", all.len());
    let tools: Vec<Value> = all
        .iter()
        .map(|of| json!({"name": of["name"], "inputSchema": of["schema"]}))
        .collect();
    // A script has no null: the shapes do without it, for null is a type's name.
    let script = toml::to_string(&json!({"tools": tools})).expect("TOML");
    let deck = Deck::new("");
    deck.scripted("s", &script, "");
    let listed = deck.run(&["list", "s", "--json"]).expect(0).json();
    let listed = listed["servers"][0]["tools"]
        .as_array()
        .expect("tools")
        .clone();
    let server = ServerName::new("s");
    let halves: Vec<&[Value]> = all.chunks(all.len().div_ceil(3)).collect();
    std::thread::scope(|scope| {
        for half in halves {
            let (deck, server, listed) = (&deck, &server, &listed);
            scope.spawn(move || {
                for of in half {
                    let tool = listed.iter().find(|tool| tool["name"] == of["name"]);
                    let schema = &tool.expect("it is listed")["input_schema"];
                    assert_eq!(schema, &of["schema"], "it is listed as it is");
                    check(deck, server, &shape(of), schema);
                }
            });
        }
    });
}

fn check(deck: &Deck, server: &ServerName, shape: &Shape, schema: &Value) {
    let mut tree = Tree::new(schema);
    for key in &shape.keys {
        press(&mut tree, key);
    }
    let value = tree.accept().unwrap_or_else(|| {
        panic!(
            "{}: {:?} {:#?}",
            shape.name,
            tree.complaint,
            tree.rows
                .iter()
                .map(|row| (&row.name, &row.complaint))
                .collect::<Vec<_>>()
        )
    });
    assert_eq!(value, shape.sends, "{}", shape.name);
    // JSON and back, and a second form that begins with it.
    tree.toggle_raw();
    tree.toggle_raw();
    assert_eq!(
        tree.value().to_string(),
        value.to_string(),
        "{}",
        shape.name
    );
    assert_eq!(
        Tree::with(schema, value.clone()).accept().as_ref(),
        Some(&value),
        "{}",
        shape.name
    );
    let line =
        words::shell(server, None, &Offered::Tool(shape.name.clone()), &value).expect("a line");
    let arrived = run(deck, &line);
    let arguments = arrived.get("arguments").cloned().unwrap_or(json!({}));
    assert_eq!(arguments.to_string(), value.to_string(), "{line}");
    assert_eq!(arrived["name"], shape.name.as_str());
}
