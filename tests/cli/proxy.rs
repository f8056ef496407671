//! `mcpdeck proxy` and `mcpdeck attach`: real clients, real servers and real sockets, with what must pass unchanged and who must
//! not get in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::deck::{BIN, Deck, quoted};
use crate::until;

/// Waits until there is what is looked for.
fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let mut got = None;
    let wait = until::until(what, Duration::from_secs(30), async || {
        got = look();
        got.is_some()
    });
    runtime.expect("a runtime").block_on(wait);
    got.expect("it came")
}

/// A proxy in a home of its own, its pipes ours.
struct Proxy {
    deck: Deck,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Proxy {
    fn start(args: &[&str]) -> Self {
        Self::start_in(Deck::new(""), args)
    }

    fn start_in(deck: Deck, args: &[&str]) -> Self {
        let mut child = deck
            .command(&[&["proxy"], args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mcpdeck proxy");
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        Self { deck, child, out }
    }

    /// In front of a server that plays a script.
    fn scripted(way: &[&str], script: &str) -> Self {
        let deck = Deck::new("");
        let path = deck.home.write("s.script.toml", script);
        let path = path.to_string_lossy().into_owned();
        let args = [way, &["--", BIN, "serve", "scripted", &path]].concat();
        Self::start_in(deck, &args)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end_matches('\n').to_owned()
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin");
        writeln!(stdin, "{line}").expect("stdin");
        stdin.flush().expect("stdin");
    }

    /// Closes stdin, and gives the rest of both pipes with the end.
    fn finish(mut self) -> (Vec<u8>, String, std::process::ExitStatus) {
        drop(self.child.stdin.take());
        let mut out = Vec::new();
        self.out.read_to_end(&mut out).expect("stdout");
        let mut err = String::new();
        let mut pipe = self.child.stderr.take().expect("stderr");
        pipe.read_to_string(&mut err).expect("stderr");
        (out, err, self.child.wait().expect("the end"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// What its file says, once it is there.
    fn file(&self) -> Value {
        let path = self
            .deck
            .home
            .data_dir()
            .join(format!("proxies/{}.json", self.pid()));
        found("the proxy's file", || {
            let bytes = std::fs::read(&path).ok()?;
            serde_json::from_slice(&bytes).ok()
        })
    }

    fn attach(&self) -> (Child, BufReader<ChildStdout>) {
        let mut command = self.deck.home.command(BIN);
        let command = command.args(["attach", "--json"]).stdin(Stdio::null());
        let mut child = crate::deck::spawn(command);
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        (child, out)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn signal(pid: i32, name: &str) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(status.expect("kill").success());
}

#[test]
fn bytes_pass_as_they_are_whatever_they_are() {
    let mut proxy = Proxy::start(&["--stdio", "--", "cat"]);
    // Noise, what is no UTF-8, empty lines, a line of a megabyte, and no line end at the end.
    let mut bytes =
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n\n\xff\xfe\0noise\n".to_vec();
    bytes.extend(vec![b'x'; 1024 * 1024]);
    bytes.extend(b"\nlast");
    let mut stdin = proxy.child.stdin.take().expect("stdin");
    let sent = bytes.clone();
    let writes = std::thread::spawn(move || stdin.write_all(&sent).expect("stdin"));
    let (out, err, status) = proxy.finish();
    writes.join().expect("written");
    assert!(out == bytes, "{} bytes of {}", out.len(), bytes.len());
    assert_eq!((err.as_str(), status.code()), ("", Some(0)));
}

#[test]
fn a_piece_without_a_line_end_passes_at_once() {
    let mut proxy = Proxy::start(&["--stdio", "--", "cat"]);
    for piece in [&b"{\"half\":"[..], b"1", b"}"] {
        let stdin = proxy.child.stdin.as_mut().expect("stdin");
        stdin.write_all(piece).expect("stdin");
        let mut came = vec![0; piece.len()];
        proxy.out.read_exact(&mut came).expect("the same piece");
        assert_eq!(came, piece);
    }
}

#[test]
fn stderr_and_the_exit_code_are_the_servers_and_its_environment_is_the_clients() {
    let script = "echo out; echo \"$MY_OWN_VARIABLE\" >&2; exit 7";
    let deck = Deck::new("");
    let mut command = deck.home.command(BIN);
    command.args(["proxy", "--stdio", "--", "sh", "-c", script]);
    command.env("MY_OWN_VARIABLE", "value").stdin(Stdio::null());
    let ran = crate::deck::ran(&mut command).expect(7);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("out\n", "value\n"));
    let none = deck.home.data_dir().join("proxies");
    assert_eq!(std::fs::read_dir(none).expect("the folder").count(), 0);
}

#[test]
fn signals_are_passed_on_and_an_end_by_a_signal_is_one() {
    let trap = "trap 'echo heard; exit 3' TERM; echo ready; while :; do sleep 0.02; done";
    let mut proxy = Proxy::start(&["--stdio", "--", "sh", "-c", trap]);
    assert_eq!(proxy.line(), "ready");
    signal(proxy.pid(), "-TERM");
    assert_eq!(proxy.line(), "heard");
    let (_, _, status) = proxy.finish();
    assert_eq!(status.code(), Some(3));
    for (name, number) in [("-KILL", 9), ("-TERM", 15)] {
        let proxy = Proxy::start(&["--stdio", "--", "sh", "-c", &format!("kill {name} $$")]);
        let (_, _, status) = proxy.finish();
        assert_eq!(status.signal(), Some(number), "{status}");
    }
}

#[test]
fn the_server_ends_when_the_client_closes_its_side_and_the_client_hears_of_a_deaf_server() {
    let script = "read line; echo \"got $line\"; cat; echo over >&2; exit 4";
    let mut proxy = Proxy::start(&["--stdio", "--", "sh", "-c", script]);
    proxy.say("one");
    assert_eq!(proxy.line(), "got one");
    let (_, err, status) = proxy.finish();
    assert_eq!((err.as_str(), status.code()), ("over\n", Some(4)));
    // A server that closes its stdin: writing to it must fail in the end, as it would without anybody between.
    let mut proxy = Proxy::start(&["--stdio", "--", "sh", "-c", "exec <&-; echo deaf; sleep 30"]);
    assert_eq!(proxy.line(), "deaf");
    let mut stdin = proxy.child.stdin.take().expect("stdin");
    found("the broken pipe", || {
        stdin.write_all(&[b'x'; 4096]).is_err().then_some(())
    });
}

#[test]
fn a_command_that_is_not_there_is_an_error_of_the_server() {
    let deck = Deck::new("");
    for (args, code, words) in [
        (
            &["proxy", "--stdio", "--", "no-such-command"][..],
            3,
            "was not found",
        ),
        (
            &["proxy", "--listen", "0", "--", "no-such-command"],
            3,
            "was not found",
        ),
        (
            &["proxy", "--stdio", "http://127.0.0.1:1/mcp"],
            2,
            "this one has a URL",
        ),
        (
            &["proxy", "--listen", "0.0.0.0:0", "--", "cat"],
            2,
            "can be reached from other machines",
        ),
        (&["proxy", "--listen", "0"], 2, "CMD"),
        (&["proxy", "--", "cat"], 2, "--listen"),
        (&["attach", "--json"], 2, "no proxy runs here"),
        (
            &["attach", "--json", "--wire-log", "w.jsonl"],
            2,
            "attach only looks on",
        ),
        (&["attach", "17", "--json"], 2, "no proxy `17` runs here"),
    ] {
        let ran = deck.run(args).expect(code);
        assert!(ran.err.contains(words), "{args:?}\n{ran}");
    }
    let mut command = deck.home.command(BIN);
    command.args(["proxy", "--listen", "0", "--", "cat"]);
    command
        .env("MCPDECK_PROXY_TOKEN", "short")
        .stdin(Stdio::null());
    let ran = crate::deck::ran(&mut command).expect(2);
    assert!(ran.err.contains("at least 16"), "{ran}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_ends_with_a_proxy_that_is_killed_whatever_it_ignores() {
    let script = "trap '' TERM HUP; echo $$; exec 0</dev/null; while :; do sleep 0.05; done";
    let mut proxy = Proxy::start(&["--stdio", "--", "sh", "-c", script]);
    let server = std::path::PathBuf::from(format!("/proc/{}", proxy.line()));
    assert!(server.exists(), "the control");
    proxy.child.kill().expect("killed");
    found("the end of the server", || (!server.exists()).then_some(()));
}

#[test]
fn a_file_that_is_no_program_is_said_as_without_a_proxy() {
    let deck = Deck::new("");
    let path = deck.home.write("script", "#!/no/such/interpreter\n");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("a mode");
    let path = path.to_string_lossy().into_owned();
    let ran = deck.run(&["proxy", "--stdio", "--", &path]).expect(3);
    assert!(
        ran.err
            .contains("its first line asks for `/no/such/interpreter`"),
        "{ran}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_of_the_configuration_keeps_its_walls_and_one_of_our_own_will_do() {
    let deck = Deck::demo();
    let secret = deck.home.write("closed/secret", "outside");
    let walls = format!(
        "confine = {{ read = [{}] }}",
        quoted(&deck.files().to_string_lossy())
    );
    for (name, confine) in [("free", ""), ("walled", walls.as_str())] {
        deck.add(&format!(
            "[mcp_servers.{name}]\ncommand = \"cat\"\nargs = [{}]\n{confine}\n",
            quoted(&secret.to_string_lossy())
        ));
    }
    let out = |name: &str| deck.run(&["proxy", "--stdio", name]).out;
    assert_eq!(
        (out("free").as_str(), out("walled").as_str()),
        ("outside", "")
    );
    let mut ours = Proxy::start_in(deck, &["--stdio", "shop"]);
    ours.say(&initialize(1));
    assert!(ours.line().contains("serverInfo"));
}

const TOOLS: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";

fn initialize(id: u64) -> String {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params }).to_string()
}

#[test]
fn whoever_looks_on_sees_every_frame_in_order_from_the_beginning() {
    let mut proxy = Proxy::scripted(
        &["--stdio"],
        &format!("[start]\nstderr = ['hello']\n{TOOLS}"),
    );
    let mut frames = vec![initialize(1)];
    proxy.say(&frames[0].clone());
    frames.push(proxy.line());
    let (mut attached, mut records) = proxy.attach();
    let mut seen = Vec::new();
    let mut see = |many: usize| {
        let mut texts = Vec::new();
        while texts.len() < many {
            let mut line = String::new();
            assert!(
                records.read_line(&mut line).expect("a record") > 0,
                "{texts:?}"
            );
            let record: Value = serde_json::from_str(&line).expect("JSON");
            if record["direction"] != "stderr" {
                texts.push(record["text"].as_str().expect("text").to_owned());
            }
        }
        texts
    };
    seen.extend(see(2));
    for id in 2..12 {
        let ask = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list" }).to_string();
        proxy.say(&ask);
        frames.push(ask);
        frames.push(proxy.line());
    }
    proxy.say("noise");
    frames.push("noise".to_owned());
    seen.extend(see(21));
    assert_eq!(seen, frames);
    proxy.finish();
    assert_eq!(attached.wait().expect("the end").code(), Some(0));
}

#[test]
fn whoever_looks_on_sees_how_it_ended() {
    let dies = "read first; read second; seq 3000; echo 'out of memory' >&2; exit 9";
    let mut proxy = Proxy::start(&["--stdio", "--", "sh", "-c", dies]);
    proxy.file();
    let (mut attached, mut records) = proxy.attach();
    proxy.say("first");
    let mut first = String::new();
    records.read_line(&mut first).expect("a record");
    assert!(first.contains("first"), "{first}");
    proxy.say("second");
    proxy.finish();
    let mut rest = String::new();
    records.read_to_string(&mut rest).expect("the records");
    // What went out, what came in, and the last word.
    assert_eq!(rest.lines().count(), 3_002);
    assert!(rest.contains("out of memory"));
    assert_eq!(attached.wait().expect("the end").code(), Some(0));
}

#[test]
fn only_the_token_opens_the_door_and_its_file_is_the_owners_alone() {
    let mut proxy = Proxy::scripted(&["--stdio"], TOOLS);
    proxy.say(&initialize(1));
    proxy.line();
    let file = proxy.file();
    let path = proxy
        .deck
        .home
        .data_dir()
        .join(format!("proxies/{}.json", proxy.pid()));
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    let token = file["token"].as_str().expect("a token").to_owned();
    let door = file["door"].as_str().expect("a door").to_owned();
    let says = |greeting: &str| {
        let mut stream = TcpStream::connect(&door).expect("the door");
        // Who is refused early may be so before all of it is said.
        let _refused_already = stream.write_all(greeting.as_bytes());
        let mut first = [0; 9];
        // What is refused is closed: its end may come as a reset, because what was said was not read.
        let count = stream.read(&mut first).unwrap_or(0);
        String::from_utf8_lossy(&first[..count]).into_owned()
    };
    let other = if token.ends_with('0') { '1' } else { '0' };
    let almost = format!("{}{other}\n", &token[..token.len() - 1]);
    let longer = format!("{token}0\n");
    let endless = "x".repeat(100_000);
    let web = format!("GET /{token} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for wrong in ["\n", "\r\n\r\n", &almost, &longer, &endless, &web] {
        assert_eq!(says(wrong), "", "{wrong:.80}");
    }
    // The control: the same way in with the right token.
    assert_eq!(says(&format!("{token}\n")), "{\"hello\":");
}

#[test]
fn whoever_looks_on_and_does_not_read_holds_up_nothing() {
    let mut proxy = Proxy::start(&["--stdio", "--", "cat"]);
    let file = proxy.file();
    let mut stuck = TcpStream::connect(file["door"].as_str().expect("a door")).expect("the door");
    writeln!(stuck, "{}", file["token"].as_str().expect("a token")).expect("a greeting");
    let mut stdin = proxy.child.stdin.take().expect("stdin");
    let line = format!("{}\n", "y".repeat(1_000));
    let all = line.repeat(6_000);
    let sent = all.clone();
    let writes = std::thread::spawn(move || stdin.write_all(sent.as_bytes()).expect("stdin"));
    let (out, _, status) = proxy.finish();
    writes.join().expect("written");
    assert!(out == all.as_bytes(), "{} of {}", out.len(), all.len());
    assert_eq!(status.code(), Some(0));
    drop(stuck);
}

#[test]
fn a_proxy_that_was_killed_is_not_found_any_more_and_several_are_listed() {
    let mut first = Proxy::start(&["--stdio", "--", "cat"]);
    let deck = &first.deck;
    let door = first.file()["door"].as_str().expect("a door").to_owned();
    let mut second = deck.home.command(BIN);
    let second = second
        .args(["proxy", "--listen", "0", "--", "cat"])
        .stdin(Stdio::null());
    let mut second = crate::deck::spawn(second);
    let mut url = String::new();
    let out = second.stdout.take().expect("stdout");
    BufReader::new(out).read_line(&mut url).expect("the URL");
    let ran = deck.run(&["attach", "--json"]).expect(2);
    assert!(
        ran.err.contains("several proxies run here") && ran.err.contains("stdio  cat"),
        "{ran}"
    );
    second.kill().expect("killed");
    second.wait().expect("killed");
    let folder = deck.home.data_dir().join("proxies");
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 2);
    let (mut child, mut out) = first.attach();
    found("the file of the killed one to go", || {
        (std::fs::read_dir(&folder).ok()?.count() == 1).then_some(())
    });
    // By its address as well; both have come in when both have seen what passed.
    let mut command = deck.home.command(BIN);
    let mut named = crate::deck::spawn(command.args(["attach", "--json", &door]));
    let mut named_out = BufReader::new(named.stdout.take().expect("stdout"));
    first.say("passes");
    for out in [&mut out, &mut named_out] {
        let mut line = String::new();
        out.read_line(&mut line).expect("a record");
        assert!(line.contains("passes"), "{line}");
    }
    first.finish();
    for child in [&mut child, &mut named] {
        assert_eq!(child.wait().expect("the end").code(), Some(0));
    }
}

#[test]
fn an_address_that_is_another_programs_by_now_is_no_proxy() {
    let deck = Deck::new("");
    let mut gone = Command::new("true").spawn().expect("a process");
    gone.wait().expect("its end");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let door = listener.local_addr().expect("its address");
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let left = |pid: u32| {
        let file = json!({ "pid": pid, "door": door, "listen": null, "server": "s", "token": "t" });
        let name = format!("proxies/{pid}.json");
        let path = deck.home.data_dir().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, file.to_string()).expect("the file");
        path
    };
    // The control: a process that is there is not forgotten.
    let ours = left(std::process::id());
    let ran = deck.run(&["attach", "--json"]).expect(2);
    assert!(
        ours.exists() && ran.err.contains("refuses the token"),
        "{ran}"
    );
    std::fs::remove_file(ours).expect("the file");
    let dead = left(gone.id());
    let ran = deck.run(&["attach", "--json"]).expect(2);
    assert!(
        !dead.exists() && ran.err.contains("no proxy runs here"),
        "{ran}"
    );
}

#[test]
fn what_is_recorded_holds_no_secret_of_the_environment_and_what_passes_does() {
    let deck = Deck::new("");
    let log = deck.home.work().join("wire.jsonl");
    let mut command = deck.home.command(BIN);
    command.args([
        "--wire-log",
        &log.to_string_lossy(),
        "proxy",
        "--stdio",
        "--",
        "sh",
        "-c",
        "echo \"$MY_API_KEY\"; echo \"$MY_API_KEY\" >&2",
    ]);
    command
        .env("MY_API_KEY", "s3cret-of-the-server")
        .stdin(Stdio::null());
    let ran = crate::deck::ran(&mut command).expect(0);
    assert_eq!(ran.out, "s3cret-of-the-server\n");
    let log = std::fs::read_to_string(&log).expect("the wire log");
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

const KEY: &str = "hunter2-is-no-password";

/// A proxy that records, in front of a server that says its key.
fn recording(way: &[&str]) -> Proxy {
    let deck = Deck::new("");
    let script = format!(
        "[start]\nstderr = ['key {KEY}']\n{TOOLS}[[on]]\nmethod = 'tools/call'\nresult = {{ content = [{{ type = 'text', text = 'welcome' }}] }}\n"
    );
    let path = deck.home.write("s.script.toml", &script);
    let path = path.to_string_lossy().into_owned();
    let key = format!("API_TOKEN={KEY}");
    let server = ["--env", &key, "--", BIN, "serve", "scripted", &path];
    Proxy::start_in(deck, &[way, &server].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_session_is_replayed_compared_exported_and_served() {
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }).to_string();
    let mut proxy = recording(&["--stdio", "--record", "r.jsonl"]);
    let said = [initialize(1), list.clone(), call(3, "echo")];
    for line in &said {
        proxy.say(line);
        assert!(proxy.line().contains("result"));
    }
    drop(proxy.child.stdin.take());
    let mut err = String::new();
    let mut pipe = proxy.child.stderr.take().expect("stderr");
    pipe.read_to_string(&mut err).expect("stderr");
    assert!(err.contains(KEY), "the control: {err}");
    assert_eq!(proxy.child.wait().expect("the end").code(), Some(0));
    let path = proxy.deck.home.work().join("r.jsonl");
    let text = std::fs::read_to_string(&path).expect("the recording");
    let about = std::fs::metadata(&path).expect("there");
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert!(!text.contains(KEY) && text.contains("welcome"), "{text}");

    let run = |args: &[&str]| crate::deck::blocking(|| proxy.deck.run(args));
    let frames = run(&["replay", "r.jsonl", "--frames", "-"]).expect(0);
    assert!(frames.out.contains("tools/call"), "{frames}");
    let spans = run(&["export", "r.jsonl", "--format", "otlp"]).expect(0);
    assert!(spans.out.contains("tools/call"), "{spans}");
    let again = run(&["proxy", "--stdio", "--record", "r.jsonl", "--", "cat"]).expect(2);
    assert!(again.err.contains("the file is there already"), "{again}");
    let served = ["serve", "replay", "r.jsonl"];
    let served = crate::deck::blocking(|| proxy.deck.run_with_stdin(&served, &said.join("\n")));
    let served = served.expect(0);
    assert_eq!(served.out.lines().count(), 3, "{served}");
    assert!(served.out.contains("welcome"), "{served}");

    // The same over HTTP, ended by a signal.
    let mut other = recording(&["--listen", "0", "--record", "http.jsonl"]);
    let client = Client::begun(&other.line()).await;
    assert_eq!(client.post(&list).await.0, 200);
    assert_eq!(client.post(&call(3, "echo")).await.0, 200);
    signal(other.pid(), "-TERM");
    assert_eq!(other.child.wait().expect("the end").code(), Some(0));
    let other = other.deck.home.work().join("http.jsonl");
    let compared = run(&["compare", "r.jsonl", &other.to_string_lossy()]).expect(0);
    assert!(
        compared.out.contains("the same tools, and 1 call with"),
        "{compared}"
    );
}

#[test]
fn a_recording_of_a_proxy_that_was_killed_is_good_up_to_there() {
    let mut proxy = Proxy::start(&["--stdio", "--record", "r.jsonl", "--", "cat"]);
    proxy.say("passes");
    assert_eq!(proxy.line(), "passes");
    let path = proxy.deck.home.work().join("r.jsonl");
    found("both records", || {
        let text = std::fs::read_to_string(&path).ok()?;
        (text.matches("passes").count() == 2).then_some(())
    });
    proxy.child.kill().expect("killed");
    proxy.child.wait().expect("killed");
    let ran = proxy
        .deck
        .run(&["replay", "r.jsonl", "--transcript"])
        .expect(0);
    assert!(ran.err.contains("the recording has no end"), "{ran}");
}

/// A client of the HTTP side.
struct Client {
    http: reqwest::Client,
    url: String,
    session: Option<String>,
}

/// An answer: status, type, body.
type Came = (u16, String, String);

impl Client {
    fn new(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            http,
            url: url.to_owned(),
            session: None,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (Came, Option<String>) {
        let request = match &self.session {
            Some(id) => request.header("mcp-session-id", id),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let (session, kind) = (header("mcp-session-id"), header("content-type"));
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        ((status, kind.unwrap_or_default(), body), session)
    }

    async fn post(&self, message: &str) -> Came {
        let request = self.http.post(&self.url).body(message.to_owned());
        let request = request.header("accept", "application/json, text/event-stream");
        self.send(request).await.0
    }

    /// With a session.
    async fn begun(url: &str) -> Self {
        let mut client = Self::new(url);
        let request = client.http.post(url).body(initialize(1));
        let ((status, kind, body), session) = client.send(request).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"), "{body}");
        assert!(body.contains("\"protocolVersion\""), "{body}");
        client.session = Some(session.expect("a session"));
        client
    }
}

fn call(id: u64, tool: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": {}, "_meta": { "progressToken": "p" } } }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_over_http_has_a_process_of_its_own() {
    let mut proxy = Proxy::scripted(&["--listen", "0"], TOOLS);
    let url = proxy.line();
    let (one, two) = (Client::begun(&url).await, Client::begun(&url).await);
    assert_ne!(one.session, two.session);
    assert_eq!(one.post(&call(7, "echo")).await.0, 200);
    let (_, _, seen) = two.post(&call(8, "seen")).await;
    assert!(
        seen.contains("initialize") && !seen.contains("echo"),
        "{seen}"
    );
    let notice = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(one.post(&notice).await.0, 202);
    let gone = one.send(one.http.delete(&url)).await.0;
    assert_eq!(gone.0, 204);
    let (status, _, body) = one.post(&call(9, "echo")).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(two.post(&call(9, "echo")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_places_are_taken_the_session_idle_longest_makes_way() {
    let mut proxy = Proxy::scripted(&["--listen", "0"], TOOLS);
    let url = proxy.line();
    let first = Client::begun(&url).await;
    let second = Client::begun(&url).await;
    for _ in 2..64 {
        Client::begun(&url).await;
    }
    // It was begun first, and is not the one idle longest any more.
    assert_eq!(first.post(&call(7, "echo")).await.0, 200);
    let late = Client::begun(&url).await;
    assert_eq!(late.post(&call(7, "echo")).await.0, 200);
    assert_eq!(second.post(&call(7, "echo")).await.0, 404);
    assert_eq!(first.post(&call(8, "echo")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_token_or_from_another_site() {
    let mut proxy = Proxy::scripted(&["--listen", "0"], TOOLS);
    let url = proxy.line();
    let client = Client::new(&url);
    let token = url.split('/').nth(3).expect("a token").to_owned();
    for wrong in [
        url.replace(&token, &"0".repeat(token.len())),
        url.replace(&format!("{token}/"), ""),
        url.replace("/mcp", "/other"),
        url.replace(&token, &token[1..]),
    ] {
        let answer = client
            .send(client.http.post(&wrong).body(initialize(1)))
            .await
            .0;
        assert_eq!(answer.0, 404, "{wrong}");
        assert!(!answer.2.contains(&token));
    }
    for (header, value) in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        let request = client
            .http
            .post(&url)
            .header(header, value)
            .body(initialize(1));
        assert_eq!(client.send(request).await.0.0, 403, "{header}: {value}");
    }
    for (body, status) in [
        ("{", 400),
        ("[]", 400),
        (&call(1, "echo"), 400),
        ("{}", 400),
    ] {
        assert_eq!(client.post(body).await.0, status, "{body}");
    }
    let put = client.send(client.http.put(&url).body("x")).await.0;
    assert_eq!(put.0, 405);
    // The control: a page of this machine with the token.
    let request = client
        .http
        .post(&url)
        .header("origin", "http://localhost:6274")
        .body(initialize(1));
    assert_eq!(client.send(request).await.0.0, 200);
}

const PROGRESS: &str = "[[on]]\nmethod = 'tools/call'\ntool = 'echo'\nprogress = [{ progress = 1, total = 2, message = 'half' }]\nresult = { content = [{ type = 'text', text = 'done' }] }\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_an_answer_makes_it_a_stream_also_through_a_second_proxy() {
    let mut first = Proxy::scripted(&["--listen", "0"], &format!("{TOOLS}{PROGRESS}"));
    let url = first.line();
    let mut second = Proxy::start(&["--listen", "0", &url]);
    let through = second.line();
    let mut bodies = Vec::new();
    for url in [&url, &through] {
        let client = Client::begun(url).await;
        let (status, kind, body) = client.post(&call(5, "echo")).await;
        assert_eq!(
            (status, kind.as_str()),
            (200, "text/event-stream"),
            "{body}"
        );
        let data: Vec<Value> = body
            .lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
            .collect();
        assert_eq!(data[0]["params"]["progressToken"], "p", "{body}");
        assert_eq!(data[1]["id"], 5, "{body}");
        bodies.push(body);
        assert_eq!(client.send(client.http.delete(url)).await.0.0, 204);
    }
    assert_eq!(bodies[0], bodies[1]);
    // mcpdeck itself as the client, through both.
    let deck = Deck::new(&format!("[mcp_servers.far]\nurl = {}\n", quoted(&through)));
    let ran = tokio::task::block_in_place(|| deck.run(&["call", "far", "echo"])).expect(0);
    assert_eq!(ran.out, "done\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_without_sessions_share_a_process_and_their_ids_do_not_meet() {
    let mut proxy = Proxy::scripted(
        &["--listen", "0"],
        &format!("era = 'modern'\n{TOOLS}{PROGRESS}"),
    );
    let url = proxy.line();
    let client = Client::new(&url);
    let meta =
        json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": 1 });
    let ask = |id: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "echo", "arguments": {}, "_meta": meta } }).to_string()
    };
    let (one, two) = (ask("a"), ask("a"));
    let (one, two) = tokio::join!(client.post(&one), client.post(&two));
    for (status, _, body) in [one, two] {
        assert_eq!(status, 200, "{body}");
        assert!(
            body.contains("\"id\":\"a\"") && body.contains("\"progressToken\":1"),
            "{body}"
        );
    }
    let deck = Deck::new(&format!("[mcp_servers.far]\nurl = {}\n", quoted(&url)));
    let ran = tokio::task::block_in_place(|| deck.run(&["call", "far", "echo"])).expect(0);
    assert_eq!(ran.out, "done\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_where_nobody_is_is_told_with_the_cause() {
    // A port that was free just now.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/mcp", free.local_addr().expect("its address"));
    drop(free);
    let mut proxy = Proxy::start(&["--listen", "0", &url]);
    let (status, _, body) = Client::new(&proxy.line()).post(&initialize(1)).await;
    assert_eq!(status, 502, "{body}");
    assert!(body.to_lowercase().contains("refused"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_a_message_keeps_its_digits_and_an_answer_that_cannot_be_read_is_told() {
    let rule = |tool: &str, line: &str| {
        format!(
            "[[on]]\nmethod = 'tools/call'\ntool = '{tool}'\nstdout = ['{line}']\nsilent = true\n"
        )
    };
    let long = "123456789012345678901234567890";
    let tools =
        "[[tools]]\nname = 'long'\n[[tools]]\nname = 'beyond'\n[[tools]]\nname = 'by_text'\n";
    let answers = [
        rule(
            "long",
            &format!("{{\"jsonrpc\":\"2.0\", \"id\":5, \"result\":{{\"n\":{long}}}}}"),
        ),
        rule(
            "beyond",
            "{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":{\"n\":1e999}}",
        ),
        rule(
            "by_text",
            "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{\"n\":1e999}}",
        ),
    ];
    let mut proxy = Proxy::scripted(&["--listen", "0"], &format!("{tools}{}", answers.concat()));
    let client = Client::begun(&proxy.line()).await;
    let (_, _, body) = client.post(&call(5, "long")).await;
    assert_eq!(
        body,
        format!("{{\"jsonrpc\":\"2.0\", \"id\":5, \"result\":{{\"n\":{long}}}}}")
    );
    let (status, _, body) = client.post(&call(6, "beyond")).await;
    let told: Value = serde_json::from_str(&body).expect("JSON");
    let words = told["error"]["message"].as_str().unwrap_or_default();
    assert_eq!((status, &told["id"]), (200, &json!(6)));
    assert!(
        words.contains("cannot be passed on") && words.contains("out of range"),
        "{body}"
    );
    let by_text = call(7, "by_text").replace("\"id\":7", "\"id\":\"7\"");
    let (_, _, body) = client.post(&by_text).await;
    assert!(
        body.contains("\"id\":\"7\"") && body.contains("cannot be passed on"),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_is_told_and_the_next_client_gets_another() {
    let script = format!("{TOOLS}[[on]]\nmethod = 'tools/call'\nexit = 9\n");
    let mut proxy = Proxy::scripted(&["--listen", "0"], &script);
    let url = proxy.line();
    let client = Client::begun(&url).await;
    let (status, _, body) = client.post(&call(5, "echo")).await;
    assert_eq!(status, 502, "{body}");
    let error: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(error["id"], 5);
    assert_eq!(client.post(&call(6, "echo")).await.0, 404);
    Client::begun(&url).await;
}
