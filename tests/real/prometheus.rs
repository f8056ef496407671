//! A real Prometheus scrapes a running `mcpdeck ask --metrics`, and every query of the dashboard gives data.
//!
//! Gated by `MCPDECK_TEST_PROMETHEUS`, the program; `.ci/suites/prometheus.sh` prepares it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::home::Home;
use crate::ports::free_port;
use crate::until::until;

const BIN: &str = env!("CARGO_BIN_EXE_mcpdeck");
const LIMIT: Duration = Duration::from_secs(60);

/// Calls that go well and wrong, then one that takes its time.
const SCRIPT: &str = r#"
opening = "I play a model."
fallback = "no"
pace_ms = 0
[[reply]]
prompt = "go"
[[reply.step]]
calls = [
  { tool = "files.read_text_file", arguments = { path = "a.txt" } },
  { tool = "files.read_text_file", arguments = { path = "none.txt" } },
  { tool = "slow.wait", arguments = { n = 1 } },
]
[[reply.step]]
say = "done"
"#;

const SLOW: &str = r#"
[[tools]]
name = "wait"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
silent = true
"#;

/// A child that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn program() -> Option<PathBuf> {
    let program = std::env::var_os("MCPDECK_TEST_PROMETHEUS");
    if program.is_none() {
        eprintln!(
            "skipped: MCPDECK_TEST_PROMETHEUS is not set; `.ci/suites/prometheus.sh` runs this"
        );
    }
    program.map(PathBuf::from)
}

/// Starts mcpdeck on two servers, and gives the address of its figures.
fn deck(home: &Home) -> (Killed, String) {
    let files = home.write("files/a.txt", "a");
    let files = files.parent().unwrap().display().to_string();
    let (script, slow) = (
        home.write("script.toml", SCRIPT),
        home.write("slow.toml", SLOW),
    );
    let config = format!(
        "[model]\nprovider = \"scripted\"\nscript = {script:?}\n\
         [mcp_servers.files]\nbundled = \"filesystem\"\nroots = [{files:?}]\n\
         [mcp_servers.slow]\ncommand = {BIN:?}\nargs = [\"serve\", \"scripted\", {slow:?}]\napprove = \"never\"\n"
    );
    home.write("mcp.toml", &config);
    let child = home
        .command(BIN)
        .args(["ask", "go", "--metrics", "0", "--approve", "*", "--trust"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Killed(child.unwrap());
    let stderr = BufReader::new(child.0.stderr.take().unwrap());
    let mut seen = Vec::new();
    for line in stderr.lines().map_while(Result::ok) {
        if let Some(url) = line.strip_prefix("metrics: http://") {
            let address = url.strip_suffix("/metrics").unwrap().to_owned();
            return (child, address);
        }
        seen.push(line);
    }
    panic!("no address of the figures: {seen:?}");
}

fn prometheus(program: &Path, home: &Home, scraped: &str) -> (Killed, String) {
    let port = free_port();
    let config = format!(
        "global: {{ scrape_interval: 1s }}\n\
         scrape_configs: [{{ job_name: mcpdeck, static_configs: [{{ targets: ['{scraped}'] }}] }}]\n"
    );
    let config = home.write("prometheus.yml", &config);
    let address = format!("127.0.0.1:{port}");
    let child = Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            home.path("tmp/tsdb").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Killed(child), address)
}

/// The queries of the dashboard, its variables filled in.
fn queries() -> Vec<String> {
    let dashboard = include_str!("../../assets/grafana.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions = targets.map(|target| target["expr"].as_str().unwrap());
    expressions
        .map(|expression| {
            expression
                .replace("$__rate_interval", "10s")
                .replace("$__range", "1m")
                .replace("$server", ".*")
        })
        .collect()
}

/// What Prometheus says to a query; nothing while it is not there yet.
async fn ask(client: &reqwest::Client, address: &str, query: &str) -> Option<Value> {
    let url = url::Url::parse_with_params(
        &format!("http://{address}/api/v1/query"),
        [("query", query)],
    );
    let answer = client.get(url.unwrap()).send().await.ok()?;
    answer.json().await.ok()
}

#[tokio::test]
async fn every_query_of_the_dashboard_gives_data() {
    let Some(program) = program() else { return };
    let home = Home::new();
    let (_deck, scraped) = deck(&home);
    let (_prometheus, address) = prometheus(&program, &home, &scraped);
    let client = reqwest::Client::new();
    // The control: a figure that there is not gives nothing.
    let mut queries = queries();
    assert!(queries.len() > 15, "{queries:?}");
    queries.push("mcpdeck_client_no_such_figure".to_owned());
    let control = queries.len() - 1;
    let all = std::cell::RefCell::new(Vec::new());
    let filled = async || {
        let mut empty = Vec::new();
        for query in &queries {
            let answer = ask(&client, &address, query).await;
            let error = answer.as_ref().and_then(|answer| answer["error"].as_str());
            assert_eq!(error, None, "{query}");
            let found = answer.as_ref().and_then(|a| a["data"]["result"].as_array());
            if found.is_none_or(Vec::is_empty) {
                empty.push(query.clone());
            }
        }
        let done = empty == queries[control..];
        all.replace(empty);
        done
    };
    let waiting = tokio::time::timeout(LIMIT, until("data for every query", LIMIT * 2, filled));
    let came = waiting.await;
    assert!(came.is_ok(), "no data for {:#?}", all.borrow());
}
