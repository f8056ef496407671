//! The official client of another language through the proxy, to a server that others wrote: it must notice nothing.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::home::Home;
use crate::npm::npm;

const BIN: &str = env!("CARGO_BIN_EXE_mcpdeck");

/// A client by the official SDK: everything that a host asks, printed as one line of JSON. What differs from run to run is left out.
const CLIENT: &str = r#"
const [sdk, way, ...rest] = process.argv.slice(2);
const { Client } = await import(`${sdk}/client/index.js`);
const { StdioClientTransport } = await import(`${sdk}/client/stdio.js`);
const { StreamableHTTPClientTransport } = await import(`${sdk}/client/streamableHttp.js`);
const transport = way === "stdio"
  ? new StdioClientTransport({ command: rest[0], args: rest.slice(1), env: process.env, stderr: "ignore" })
  : new StreamableHTTPClientTransport(new URL(rest[0]));
const client = new Client({ name: "test", version: "1" }, { capabilities: {} });
await client.connect(transport);
const said = { server: client.getServerVersion()?.name };
said.tools = (await client.listTools()).tools.map((tool) => tool.name);
said.resources = (await client.listResources()).resources.length;
said.prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
said.echo = await client.callTool({ name: "echo", arguments: { message: "Xin chào ☕" } });
let steps = 0;
said.long = await client.callTool({ name: "trigger-long-running-operation", arguments: { duration: 1, steps: 3 } }, undefined,
  { onprogress: () => { steps += 1; } });
// The last step may come in one piece with the answer, and then depends on the client's own order.
said.progress = steps >= 2;
console.log(JSON.stringify(said));
if (way !== "stdio") await transport.terminateSession();
await client.close();
"#;

/// What the client says.
fn client(home: &Home, sdk: &str, args: &[&str]) -> Value {
    let script = home.write("client.mjs", CLIENT);
    let output = Command::new("node")
        .arg(script)
        .arg(sdk)
        .args(args)
        .env("MCPDECK_DATA_DIR", home.data_dir())
        .stdin(Stdio::null())
        .output()
        .expect("node");
    let words = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&words).unwrap_or_else(|error| panic!("{error}\n{words}\n{errors}"))
}

struct Proxy {
    child: Child,
    url: String,
}

impl Proxy {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut child = Command::new(BIN)
            .args(["proxy", "--listen", "0"])
            .args(args)
            .env("MCPDECK_DATA_DIR", home.data_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mcpdeck proxy");
        let mut url = String::new();
        let out = child.stdout.take().expect("stdout");
        BufReader::new(out).read_line(&mut url).expect("the URL");
        Self {
            child,
            url: url.trim_end().to_owned(),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

#[test]
fn a_client_by_the_official_sdk_says_the_same_with_and_without_a_proxy() {
    let Some(npm) = npm() else {
        return;
    };
    let home = Home::new();
    let sdk = npm.sdk();
    let everything = npm.everything();
    let server = ["node", &everything, "stdio"];
    let plain = client(&home, &sdk, &[&["stdio"], &server[..]].concat());
    assert_eq!(plain["progress"], true, "{plain}");
    let pipes = [&["stdio", BIN, "proxy", "--stdio", "--"], &server[..]].concat();
    assert_eq!(client(&home, &sdk, &pipes), plain);
    let http = Proxy::start(&home, &[&["--"], &server[..]].concat());
    assert_eq!(client(&home, &sdk, &["http", &http.url]), plain);
    let twice = Proxy::start(&home, &[&http.url]);
    assert_eq!(client(&home, &sdk, &["http", &twice.url]), plain);
}
