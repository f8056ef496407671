//! What a server's process gets and may touch: the environment that was named, and with `confine` the files and the network that were.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::deck::{BIN, Deck, blocking, quoted, ran};
use crate::endpoint::{Endpoint, Reply};
use crate::home::Home;

/// The names of the variables that a server was started with.
fn variables(keys: &str) -> BTreeSet<String> {
    let home = Home::new();
    let seen = home.path("seen");
    let config = format!(
        "[mcp_servers.s]\ncommand = \"cp\"\nargs = [\"/proc/self/environ\", {}]\n{keys}",
        quoted(&seen.to_string_lossy())
    );
    let config = home.write("config.toml", &config);
    let mut command = home.command(BIN);
    command.arg("--config").arg(config).args(["list", "s"]);
    for (name, value) in [
        ("GITHUB_TOKEN", "t"),
        ("OPENAI_API_KEY", "k"),
        ("SSH_AUTH_SOCK", "/x"),
        ("HTTPS_PROXY", "http://p"),
        ("LD_PRELOAD", ""),
        ("LC_TIME", "C"),
        ("USER", "me"),
        ("LOGNAME", "me"),
        ("SHELL", "/bin/sh"),
        ("MCPDECK_TOKEN", "t"),
    ] {
        command.env(name, value);
    }
    ran(command.stdin(Stdio::null()));
    let seen = fs::read(seen).expect("the server was started");
    let names = seen
        .split(|byte| *byte == 0)
        .filter(|pair| !pair.is_empty());
    let names = names.map(|pair| String::from_utf8_lossy(pair).into_owned());
    names
        .map(|pair| pair.split('=').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_servers_environment_holds_what_was_named_and_nothing_else() {
    let always: BTreeSet<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM", "LC_TIME",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(variables(""), always);
    // The control: what is named comes along, whatever it is.
    let mut named = always.clone();
    named.extend(["GITHUB_TOKEN", "MINE"].map(str::to_owned));
    assert_eq!(
        variables("env_vars = [\"GITHUB_TOKEN\", \"NOT_SET\"]\nenv = { MINE = \"1\" }\n"),
        named
    );
}

/// Runs a program as a confined server is run; whether it ended well.
#[cfg(target_os = "linux")]
fn confined(home: &Home, plan: &serde_json::Value, program: &[&str]) -> bool {
    let mut command = home.command(BIN);
    command.args(["confined-server", &plan.to_string(), "--"]);
    let ran = ran(command.args(program).stdin(Stdio::null()));
    ran.code == Some(0)
}

/// Whether this kernel holds enough; the pane and the refusal are tested all the same.
#[cfg(target_os = "linux")]
fn kernel_holds(home: &Home) -> bool {
    confined(
        home,
        &json!({ "read": [], "write": [], "network": false }),
        &["/bin/true"],
    )
}

#[test]
#[cfg(target_os = "linux")]
fn a_confined_process_reads_and_changes_what_is_named_and_nothing_else() {
    let home = Home::new();
    if !kernel_holds(&home) {
        return;
    }
    home.write("open/a", "x");
    home.write("closed/a", "x");
    home.write("kept/a", "x");
    let at = |inside: &str| home.work().join(inside).to_string_lossy().into_owned();
    let plan = json!({ "read": [at("open")], "write": [at("kept")], "network": false });
    let open = json!({ "read": ["/"], "write": ["/"], "network": true });
    let run = |plan, program: &[&str]| confined(&home, plan, program);
    for (program, allowed) in [
        (["cat", &at("open/a")], true),
        (["cat", &at("kept/a")], true),
        (["cat", &at("closed/a")], false),
        (["ls", &at("")], false),
        (["ls", home.path("home").to_string_lossy().as_ref()], false),
        (["touch", &at("kept/new")], true),
        (["touch", &at("open/new")], false),
        (["touch", &at("closed/new")], false),
        (["rm", &at("open/a")], false),
        (["rm", &at("kept/new")], true),
    ] {
        let program = program.map(str::to_owned);
        let words: Vec<&str> = program.iter().map(String::as_str).collect();
        assert_eq!(run(&plan, &words), allowed, "{words:?}");
        // The control: the same without the walls, in the same way.
        if !allowed {
            assert!(run(&open, &words), "{words:?} unconfined");
            home.write("open/a", "x");
        }
    }
    let (inside, outside) = (at("kept/a"), at("closed/a"));
    let cut = |file: &str| {
        [
            "sh".to_owned(),
            "-c".to_owned(),
            format!("truncate -s 0 {file}"),
        ]
    };
    for (file, allowed) in [(&inside, true), (&outside, false)] {
        let words = cut(file);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(
            run(&plan, &words),
            allowed,
            "{words:?}: what it starts is confined too"
        );
    }
    assert_eq!(fs::read_to_string(&outside).expect("closed/a"), "x");
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_confined_process_has_no_tcp_unless_it_is_allowed() {
    let home = Home::new();
    if !blocking(|| kernel_holds(&home)) {
        return;
    }
    let endpoint = Endpoint::start(|_| Reply::json(200, &json!({ "data": [] }))).await;
    let work = home.path("").to_string_lossy().into_owned();
    for network in [false, true] {
        let plan = json!({ "read": ["/"], "write": [work, "/dev"], "network": network });
        let url = endpoint.base_url();
        let program = [BIN, "--model-url", &url, "ask", "hello"];
        blocking(|| confined(&home, &plan, &program));
        assert_eq!(endpoint.seen().is_empty(), !network, "network = {network}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_confined_server_works_within_its_walls_and_a_missing_folder_is_said() {
    let deck = Deck::new("");
    if !kernel_holds(&deck.home) {
        return;
    }
    deck.home.write("open/a.txt", "inside");
    deck.home.write("closed/a.txt", "outside");
    let at = |inside: &str| deck.home.work().join(inside).to_string_lossy().into_owned();
    // A server that would give both folders to whoever asks.
    let server = |name: &str, confine: &str| {
        deck.add(&format!(
            "[mcp_servers.{name}]\ncommand = {}\nargs = [\"serve\", \"filesystem\", {}, {}]\nroots = [{}, {}]\n{confine}",
            quoted(BIN),
            quoted(&at("open")),
            quoted(&at("closed")),
            quoted(&at("open")),
            quoted(&at("closed")),
        ));
    };
    let walls = format!(
        "confine = {{ read = [{}], write = [{}] }}\n",
        quoted(&at("open")),
        quoted(&deck.home.data_dir().to_string_lossy())
    );
    server("free", "");
    server("walled", &walls);
    server("lost", "confine = { read = [\"nowhere\"] }\n");
    let read = |name: &str, file: &str| {
        let path = format!("path={}", at(file));
        deck.run(&["call", name, "read_text_file", &path])
    };
    assert!(
        read("free", "closed/a.txt")
            .expect(0)
            .out
            .contains("outside")
    );
    assert!(
        read("walled", "open/a.txt")
            .expect(0)
            .out
            .contains("inside")
    );
    let closed = read("walled", "closed/a.txt");
    assert!(
        closed.code != Some(0) && !closed.out.contains("outside"),
        "{closed}"
    );
    let lost = deck.run(&["list", "lost"]).expect(3);
    assert!(lost.out.contains("nowhere, which is not there"), "{lost}");
}
