//! Ten servers that are broken in ten ways: `check` names the true cause of each and a fix, and so does `lint`.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::deck::{BIN, Deck, blocking, quoted};
use crate::endpoint::{Endpoint, Reply};

const TOOL: &str =
    "[[tools]]\nname = 'add'\ndescription = 'Adds.'\ninputSchema = { type = 'object' }\n";

/// A script of the system, with this first line, as a server.
fn script(deck: &Deck, name: &str, text: &str) {
    let path = deck.home.write(&format!("{name}.sh"), text);
    let may = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, may).expect("permissions");
    let command = quoted(&path.to_string_lossy());
    deck.add(&format!("[mcp_servers.{name}]\ncommand = {command}"));
}

/// The ten, and two more ways to break the first line and stdout.
fn broken(token_url: &str) -> Deck {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    script(&deck, "shebang", "#!/opt/no/such/python3\nprint('x')\n");
    script(&deck, "windows", "#!/bin/sh\r\nexit 0\r\n");
    deck.scripted(
        "variable",
        "[start]\nstderr = ['starting', 'Error: SHOP_TOKEN is not set']\nexit = 1\n",
        "",
    );
    deck.scripted(
        "banner",
        &format!("{TOOL}[start]\nstdout = ['Shop server 1.0 ready!']\n"),
        "",
    );
    deck.scripted(
        "prints",
        "[start]\nstdout = ['Welcome. Type help for help.']\ndeaf = true\n",
        "startup_timeout_sec = 2",
    );
    deck.scripted("crashes", &format!("{TOOL}[[on]]\nmethod = 'tools/call'\nstderr = ['TypeError: price is undefined']\nexit = 1\n"), "");
    deck.scripted("version", "revision = '1.0'\n", "");
    deck.scripted("schema", "[[tools]]\nname = 'add'\ndescription = 'Adds.'\ninputSchema = { type = 'object', properties = { a = { type = 'numbr' } } }\n", "");
    deck.scripted("hangs", "[start]\ndeaf = true\n", "startup_timeout_sec = 2");
    script(&deck, "leaves", "#!/bin/sh\nexit 0\n");
    deck.add(&format!("[mcp_servers.token]\nurl = {}", quoted(token_url)));
    deck.add("[mcp_servers.port]\nurl = \"http://127.0.0.1:1/mcp\"");
    deck
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_the_true_cause_and_a_fix_for_each() {
    let refusal = Reply::json(401, &json!({ "error": "unauthorized" }));
    let endpoint = Endpoint::with(vec![refusal; 20]).await;
    let url = endpoint.base_url();
    let deck = broken(&url);
    let ran = blocking(|| deck.run(&["check", "--call", "crashes.add"])).expect(3);
    deck.snapshot("broken_servers", &ran.out.replace(&url, "[URL]"));
    assert_eq!(ran.err, "");
}

/// The failures as they are, in a file from which the frames of the overview are drawn: what is shown there is what happens.
#[tokio::test(flavor = "multi_thread")]
async fn the_failures_are_those_that_the_frames_are_drawn_from() {
    let refusal = Reply::json(401, &json!({ "error": "unauthorized" }));
    let endpoint = Endpoint::with(vec![refusal; 20]).await;
    let url = endpoint.base_url();
    let deck = broken(&url);
    let ran = blocking(|| deck.run(&["list", "--json"]));
    let work = deck.home.work().to_string_lossy().into_owned();
    let places = [
        (url.as_str(), "[URL]"),
        (work.as_str(), "[WORK]"),
        (BIN, "[MCPDECK]"),
    ];
    let mut text = ran.out.clone();
    for (place, stands_for) in places {
        text = text.replace(place, stands_for);
    }
    // A machine that has much to do takes a moment longer.
    let took = regex::Regex::new(r"within \d+\.\d s").expect("a pattern");
    let document: Value =
        serde_json::from_str(&took.replace_all(&text, "within 2.0 s")).expect("JSON");
    let kept: Value =
        serde_json::from_str(include_str!("../fixtures/broken/failures.json")).expect("JSON");
    let servers = document["servers"].as_array().expect("servers");
    let failed = servers.iter().filter(|server| !server["failure"].is_null());
    let seen: serde_json::Map<String, Value> = failed
        .map(|server| {
            (
                server["name"].as_str().expect("a name").to_owned(),
                server["failure"].clone(),
            )
        })
        .collect();
    assert_eq!(Value::Object(seen), kept);
}
