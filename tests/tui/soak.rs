//! Minutes on a terminal with ten servers, most of which misbehave, while their processes are killed: memory, descriptors and
//! processes stay level, each call has its one end, and the screen stays usable.
//!
//! Gated by `MCPDECK_SOAK_SECONDS`; `.ci/suites/soak.sh` sets it.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::aftermath;
use crate::deck::{
    Deck, WIDE, assert_well_formed, calls, messages, model, prompts, says, scripted,
};
use crate::endpoint::{Endpoint, Reply};
use crate::home::Home;
use crate::leaving::assert_given_back;
use crate::screen::LIMIT;

/// What may be held more at the end than after the first fifth, when every ring has been filled.
const GROWTH: u64 = 32 * 1024;
const SPARE: usize = 8;

/// What the first rounds call as well: each time 3 MiB of noise, which is less than may wait for the screen, and half a MiB of result.
/// So the log of the wire, 64 MiB, and the results that are kept whole, 12 MiB, are full before the first figure that counts.
const FILLS: &str = "[[tools]]\nname = 'do'\ninputSchema = { type = 'object' }\n[[on]]\nmethod = 'tools/call'\nstdout = ['{x*6000}']\nrepeat = 500\nresult = { content = [{ type = 'text', text = '{long *100000}' }] }\n";
/// How many rounds do.
const FILLING: usize = 26;

/// The servers: a name and what it does when its tool is called.
const SERVERS: [(&str, &str); 10] = [
    (
        "well",
        "result = { content = [{ type = 'text', text = 'well' }] }",
    ),
    (
        "quick",
        "result = { content = [{ type = 'text', text = 'quick' }], structuredContent = { rows = [[1, 2], [3, 4]], columns = ['a', 'b'] } }",
    ),
    ("slow", "delay_ms = 300"),
    (
        "steps",
        "progress = [{ progress = 1, total = 3, message = 'a third', delay_ms = 30 }, { progress = 2, total = 3, message = 'two thirds', delay_ms = 30 }]",
    ),
    ("dies", "skip = 4\nstderr = ['out of memory']\nexit = 9"),
    ("hangs", "skip = 6\nsilent = true"),
    (
        "noisy",
        "stdout = ['noise {n} on stdout', '{\"level\":\"info\"}']\nrepeat = 200",
    ),
    ("floods", "stderr = ['{e*20000}', '{f*20000}']"),
    (
        "changes",
        "stdout = ['{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}']\nrepeat = 20",
    ),
    (
        "long",
        "result = { content = [{ type = 'text', text = '{long *30000}' }] }",
    ),
];

fn server(home: &Home, name: &str, rule: &str) -> String {
    let tool = "[[tools]]\nname = 'do'\ninputSchema = { type = 'object' }\n";
    let script = format!("{tool}[[on]]\nmethod = 'tools/call'\n{rule}\n");
    scripted(home, name, &script) + "approve = \"never\"\ntool_timeout_sec = 2\n"
}

/// The model: three calls for each prompt, of other servers each time, and then the words that the round is over. What the
/// model is told of servers meanwhile stands between.
fn answer(body: &Value) -> Reply {
    let all = messages(body);
    let number = |message: &Value| {
        let text = message["content"]
            .as_str()
            .filter(|_| message["role"] == "user")?;
        let (_, number) = text.rsplit_once("round ")?;
        let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<usize>().ok()
    };
    let asked = all
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, message)| Some((at, number(message)?)));
    let Some((at, round)) = asked else {
        return says("What round?");
    };
    if all[at..].iter().any(|message| message["role"] == "tool") {
        return says(&format!("Round {round} is over."));
    }
    let arguments = json!({ "round": round }).to_string();
    let mut names: Vec<String> = [0, 3, 7]
        .map(|step| format!("{}__do", SERVERS[(round + step) % 10].0))
        .to_vec();
    if round <= FILLING {
        names.push("fills__do".to_owned());
    }
    let made: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), arguments.as_str()))
        .collect();
    calls(&made)
}

/// What the program holds now: memory in kB, descriptors, processes of its own.
fn figures(deck: &Deck) -> (u64, usize, usize) {
    let pid = deck.screen.pid();
    let processes = aftermath::processes(&deck.home.path("")).len();
    (
        aftermath::memory(pid, "VmRSS").unwrap_or(0),
        aftermath::descriptors(pid).unwrap_or(0),
        processes,
    )
}

/// Ends one of the servers' processes, another one each time; not the one that fills what is kept.
fn kill_one(deck: &Deck, round: usize) {
    let mut servers = aftermath::processes(&deck.home.path(""));
    servers.retain(|(pid, command)| {
        *pid != deck.screen.pid()
            && command.contains("serve scripted")
            && !command.contains("fills.script")
    });
    if let Some((pid, _)) = servers.get(round % servers.len().max(1)) {
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        let _gone = kill_process(pid.expect("a pid"), Signal::KILL);
    }
}

fn soak(deck: &Deck, length: Duration) -> usize {
    let (began, mut round, mut next) = (Instant::now(), 0, Duration::ZERO);
    let mut level: Option<(u64, usize, usize)> = None;
    while began.elapsed() < length {
        round += 1;
        deck.say(&format!("round {round}"));
        if round % 7 == 0 {
            kill_one(deck, round);
        }
        deck.hear(&format!("Round {round} is over."));
        deck.idle();
        if round % 20 == 0 {
            deck.say("/clear");
            deck.screen.wait_gone(&format!("Round {round} is over."));
        }
        if began.elapsed() >= next {
            let now = figures(deck);
            println!(
                "{:>4} s, round {round:>5}: {:>4} MB, {} descriptors, {} processes",
                began.elapsed().as_secs(),
                now.0 / 1024,
                now.1,
                now.2
            );
            next = began.elapsed() + length.min(Duration::from_secs(600)) / 10;
            if level.is_none() && began.elapsed() >= length / 5 && round > FILLING {
                level = Some(now);
            }
        }
    }
    let (level, end) = (
        level.expect("a figure after the first fifth"),
        figures(deck),
    );
    println!(
        "the end, round {round}: {} MB, {} descriptors, {} processes",
        end.0 / 1024,
        end.1,
        end.2
    );
    assert!(
        end.0 <= level.0 + GROWTH,
        "memory grows: {} MB, then {} MB",
        level.0 / 1024,
        end.0 / 1024
    );
    assert!(
        end.1 <= level.1 + SPARE,
        "descriptors grow: {}, then {}",
        level.1,
        end.1
    );
    assert!(
        end.2 <= level.2 + SPARE,
        "processes grow: {}, then {}",
        level.2,
        end.2
    );
    round
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_servers_with_faults_leave_memory_and_descriptors_level() {
    let Some(seconds) = std::env::var("MCPDECK_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
    else {
        eprintln!("skipped: MCPDECK_SOAK_SECONDS is not set; `.ci/suites/soak.sh` runs this");
        return;
    };
    let told = Endpoint::start(|request| match request.method.as_str() {
        "GET" => Reply::json(
            200,
            &json!({ "object": "list", "data": [{ "id": "local", "object": "model" }] }),
        ),
        _ => answer(&request.body),
    })
    .await;
    let home = Home::new();
    let servers: String = SERVERS
        .iter()
        .map(|(name, rule)| server(&home, name, rule))
        .collect();
    let fills = scripted(&home, "fills", FILLS) + "approve = \"never\"\n";
    home.write("mcp.toml", &(model(&told) + &servers + &fills));
    tokio::task::block_in_place(|| {
        let deck = Deck::open(home, WIDE, &[]);
        deck.ready(11, 11);
        let rounds = soak(&deck, Duration::from_secs(seconds));
        deck.screen.send("\u{3}\u{3}");
        assert!(deck.screen.exit_status(LIMIT).success());
        assert_given_back(&deck.screen, "the end of the soak");
        assert_eq!(aftermath::processes(&deck.home.path("")), Vec::new());
        assert!(rounds > 0);
    });
    prompts(&told).iter().for_each(assert_well_formed);
}
