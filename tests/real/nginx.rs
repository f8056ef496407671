//! Two instances of the database server behind nginx, each killed once under load.
//!
//! nginx repeats only what changes nothing: of the modern era, whose headers name the method and the tool and are held against
//! the body by the server. So no read may be lost, and no write may run twice; a write whose instance died under it is
//! reported as such, and only those. Gated by `MCPDECK_TEST_NGINX`, the program; `.ci/suites/nginx.sh` prepares it.
//! `MCPDECK_TEST_NGINX_DATABASE` names another database than an SQLite file, with an empty table `deck_nginx`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::ports;
use crate::until::until;

const CLIENTS: usize = 16;
const ROUNDS: usize = 120;
const LIMIT: Duration = Duration::from_secs(30);

fn program() -> Option<PathBuf> {
    let program = std::env::var_os("MCPDECK_TEST_NGINX");
    if program.is_none() {
        eprintln!("skipped: MCPDECK_TEST_NGINX is not set; `.ci/suites/nginx.sh` runs this");
    }
    program.map(PathBuf::from)
}

/// A child that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn instance(url: &str, port: u16, data: &Path) -> Killed {
    let child = Command::new(env!("CARGO_BIN_EXE_mcpdeck"))
        .args(["serve", "database", "--http", &port.to_string()])
        .env("MCPDECK_DATABASE_URL", url)
        .env("MCPDECK_DATA_DIR", data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    // Its URL is the one line that it says there, and it says it when it listens.
    let mut line = String::new();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let said = stdout.take(1000).read_line(&mut line);
    assert!(said.is_ok() && line.contains("http://"), "{said:?} {line}");
    Killed(child)
}

/// What an operator writes: one upstream, two ways to it.
fn config(folder: &Path, port: u16, instances: [u16; 2]) -> String {
    let folder = folder.display();
    let [one, other] = instances;
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        r#"{user}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    client_max_body_size 4m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host localhost;
    upstream deck {{
        # Nobody is put aside: a dead instance refuses at once, and one that is back is used at once. With a time out of use, both
        # could be out of it together.
        server 127.0.0.1:{one} max_fails=0;
        server 127.0.0.1:{other} max_fails=0;
        # Shorter than the 30 s after which an instance closes an idle connection.
        keepalive 16; keepalive_timeout 20s;
    }}
    map "$http_mcp_protocol_version $http_mcp_method $http_mcp_name" $repeatable {{
        default 0;
        "~^2026-07-28 (server/discover|tools/list|prompts/list|resources/list|resources/read) " 1;
        "~^2026-07-28 tools/call (query_database|list_tables|get_table_schema|explain_query)$" 1;
    }}
    server {{
        listen 127.0.0.1:{port};
        location = /mcp {{
            if ($repeatable) {{ rewrite ^ /repeatable last; }}
            # The default: a request goes to the other instance only if it was never sent to the first.
            proxy_pass http://deck/mcp;
        }}
        location = /repeatable {{
            internal;
            proxy_next_upstream error timeout non_idempotent;
            proxy_pass http://deck/mcp;
        }}
    }}
}}
"#
    )
}

/// What came of a call.
#[derive(Debug, PartialEq)]
enum Came {
    Answer(Value),
    /// It was not answered by an instance; whether it ran is not known.
    Lost(String),
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    fn new(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(LIMIT);
        let url = format!("http://127.0.0.1:{port}/mcp");
        let http = http.build().unwrap();
        Self { http, url }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Came {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "0"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let request = self.http.post(&self.url);
        let request = request
            .header("Accept", "application/json, text/event-stream")
            .header("Mcp-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", tool)
            .json(&message);
        let answered = async {
            request
                .send()
                .await?
                .error_for_status()?
                .json::<Value>()
                .await
        };
        match answered.await {
            Ok(answer) => Came::Answer(answer),
            Err(error) => Came::Lost(error.to_string()),
        }
    }

    /// The structured answer of a call that must be answered well.
    async fn good(&self, tool: &str, arguments: Value) -> Value {
        let came = self.call(tool, arguments).await;
        let Came::Answer(answer) = came else {
            panic!("{tool}: {came:?}");
        };
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// nginx says nothing when it listens.
    async fn reachable(&self) {
        let answers = async || matches!(self.call("list_tables", json!({})).await, Came::Answer(_));
        until(&format!("an answer from {}", self.url), LIMIT, answers).await;
    }
}

/// What the clients have seen, together.
#[derive(Default)]
struct Seen {
    done: watch::Sender<usize>,
    reads: AtomicUsize,
    lost_reads: AtomicUsize,
}

/// Reads three times for each write; gives the numbers that it wrote, and whether it was told so.
async fn load(client: Client, seen: Arc<Seen>, base: usize) -> Vec<(usize, bool)> {
    let mut writes = Vec::new();
    for round in 0..ROUNDS {
        let number = base + round;
        if round % 4 == 3 {
            let row = json!({"table": "deck_nginx", "values": {"n": number}});
            let told = match client.call("insert_record", row).await {
                Came::Answer(answer) => answer["result"]["isError"] == false,
                Came::Lost(_) => false,
            };
            writes.push((number, told));
        } else {
            let sql =
                json!({"sql": format!("SELECT {number} AS n, count(*) AS c FROM deck_nginx")});
            let came = client.call("query_database", sql).await;
            seen.reads.fetch_add(1, Ordering::SeqCst);
            let right = matches!(&came, Came::Answer(answer)
                if answer["result"]["structuredContent"]["rows"][0][0] == json!(number));
            if !right {
                eprintln!("lost read {number}: {came:?}");
                seen.lost_reads.fetch_add(1, Ordering::SeqCst);
            }
        }
        seen.done.send_modify(|done| *done += 1);
    }
    writes
}

async fn after(seen: &Seen, share: usize) {
    let wanted = CLIENTS * ROUNDS * share / 100;
    let mut done = seen.done.subscribe();
    let wait = done.wait_for(|done| *done >= wanted);
    let limit = tokio::time::timeout(LIMIT * 4, wait).await;
    assert!(limit.is_ok(), "the load does not go on");
}

/// The URL of a database with an empty table `deck_nginx`.
fn database(folder: &Path) -> String {
    if let Ok(url) = std::env::var("MCPDECK_TEST_NGINX_DATABASE") {
        return url;
    }
    let file = folder.join("load.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let made = "PRAGMA journal_mode = WAL; CREATE TABLE deck_nginx (n INTEGER NOT NULL)";
    database.execute_batch(made).unwrap();
    format!("sqlite:{}", file.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_may_die_at_any_time_and_no_read_is_lost_and_no_write_runs_twice() {
    let Some(nginx) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = database(folder.path());
    let [one, other, port] = [ports::free_port(), ports::free_port(), ports::free_port()];
    let mut first = instance(&url, one, folder.path());
    let second = instance(&url, other, folder.path());
    let conf = folder.path().join("nginx.conf");
    std::fs::write(&conf, config(folder.path(), port, [one, other])).unwrap();
    let proxy = Command::new(nginx)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&conf)
        .stdin(Stdio::null())
        .spawn();
    let _proxy = Proxy(proxy.unwrap());
    Client::new(port).reachable().await;

    let seen = Arc::new(Seen::default());
    let client = Client::new(port);
    let loads = (0..CLIENTS).map(|n| tokio::spawn(load(client.clone(), seen.clone(), n * ROUNDS)));
    let loads: Vec<_> = loads.collect();
    after(&seen, 25).await;
    first.0.kill().unwrap();
    after(&seen, 50).await;
    first = instance(&url, one, folder.path());
    after(&seen, 75).await;
    drop(second);
    let mut writes = Vec::new();
    for load in loads {
        writes.extend(load.await.unwrap());
    }

    let rows = async |sql: String| {
        Client::new(one)
            .good("query_database", json!({ "sql": sql }))
            .await
    };
    let twice = "SELECT n, count(*) AS c FROM deck_nginx GROUP BY n HAVING count(*) > 1".to_owned();
    let twice = rows(twice).await["rows"].clone();
    let mut missing = Vec::new();
    for (number, told) in &writes {
        let there = format!("SELECT count(*) AS c FROM deck_nginx WHERE n = {number}");
        if *told && rows(there).await["rows"] != json!([[1]]) {
            missing.push(*number);
        }
    }
    let untold = writes.iter().filter(|(_, told)| !told).count();
    let (reads, lost) = (
        seen.reads.load(Ordering::SeqCst),
        seen.lost_reads.load(Ordering::SeqCst),
    );
    let engine = url.split(':').next().unwrap_or_default();
    eprintln!(
        "nginx over {engine}: {reads} reads, {lost} lost; {} writes, {untold} without an answer, {} answered but missing, {} twice; 2 instances killed",
        writes.len(),
        missing.len(),
        twice.as_array().map_or(0, Vec::len),
    );
    assert_eq!(lost, 0);
    assert_eq!(twice, json!([]));
    assert_eq!(missing, Vec::<usize>::new());
    // Only what was under way on an instance that died.
    assert!(untold <= 2 * CLIENTS, "{untold}");
    drop(first);
}

/// nginx with its workers: they end with it when it is told to.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _told = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _reaped = self.0.wait();
    }
}
