//! From the start of the host until all of ten servers are ready, each slow to start in its own way, against the slowest alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcpdeck::config::{
    ApprovePolicy, Config, Launch, ModelSettings, ProtocolChoice, Provider, ServerSpec, StdioLaunch,
};
use mcpdeck::driver::headless::Headless;
use mcpdeck::driver::{Clock, Driver, Options};
use mcpdeck::host::{Host, Settings};
use mcpdeck::ids::ServerName;
use mcpdeck::mcp::status::Status;

use crate::report::{Row, median};
use crate::{PROGRAM, runtime, write};

/// How long each takes before it reads its first message; the last is the slowest.
const DELAYS: [u64; 10] = [50, 100, 150, 200, 250, 300, 350, 400, 450, 500];
const ROUNDS: usize = 9;
const GOAL: f64 = 1.3;

/// One row.
pub fn measure() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let servers: Vec<ServerSpec> = DELAYS
        .iter()
        .map(|delay| server(folder.path(), *delay))
        .collect();
    let slowest = &servers[DELAYS.len() - 1..];
    let (mut all, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(until_ready(slowest));
        all.push(until_ready(&servers));
    }
    vec![Row::quotient(
        "ten servers ready (baseline: the slowest alone)",
        median(all),
        median(alone),
        GOAL,
    )]
}

fn server(folder: &Path, delay: u64) -> ServerSpec {
    let script = folder.join(format!("{delay}.toml"));
    let tool = "[[tools]]\nname = \"echo\"\ninputSchema = { type = \"object\" }\n";
    write(&script, &format!("[start]\ndelay_ms = {delay}\n{tool}"));
    spec(&format!("s{delay}"), &script)
}

/// A server that plays a script.
pub fn spec(name: &str, script: &Path) -> ServerSpec {
    ServerSpec {
        name: ServerName::new(name),
        launch: Launch::Stdio(StdioLaunch {
            shown: Vec::new(),
            command: PROGRAM.to_owned(),
            args: vec![
                "serve".to_owned(),
                "scripted".to_owned(),
                script.to_string_lossy().into_owned(),
            ],
            env: BTreeMap::new(),
            env_vars: Vec::new(),
            cwd: None,
        }),
        enabled: true,
        required: false,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(30),
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol: ProtocolChoice::Auto,
        approve: ApprovePolicy::default(),
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    }
}

/// How long a host with these servers takes until each is ready, its tools listed.
fn until_ready(servers: &[ServerSpec]) -> Duration {
    let config = Config {
        servers: servers.to_vec(),
        model: ModelSettings {
            provider: Provider::None,
            ..ModelSettings::default()
        },
        ..Config::default()
    };
    runtime().block_on(async {
        let clock = Clock::start();
        let host = Host::new(&config, Settings::default());
        let (driver, receivers) = Driver::new(Options {
            recording: None,
            config: Arc::new(config),
            own_binary: PathBuf::from(PROGRAM),
            wire_log: None,
            live_wire: false,
            sessions: None,
            credentials: mcpdeck::mcp::auth::Store::memory(),
            records: mcpdeck::driver::Records::default(),
            clock,
        });
        let mut running = Headless::new(host, driver, receivers, clock);
        let started = Instant::now();
        running.start();
        let is_ready = |host: &Host| {
            host.servers.iter().all(|server| {
                assert!(
                    !matches!(
                        server.status,
                        Status::Failed { .. } | Status::Waiting { .. }
                    ),
                    "{:?}",
                    server.status
                );
                matches!(server.status, Status::Ready { .. })
            })
        };
        running.until(is_ready).await;
        let took = started.elapsed();
        running.shutdown().await.expect("no wire log, no error");
        took
    })
}
