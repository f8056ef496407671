//! A model endpoint that says what a test tells it to: real HTTP over a real socket, byte by byte.
//!
//! Delays are gates that the test opens, never sleeps; what was asked is kept and can be waited for.

#![allow(dead_code, reason = "each test binary uses another part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Seen {
    /// A header's value; names are lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Holds an answer back until the test opens it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        let mut open = self.0.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}

#[derive(Debug, Clone)]
enum Part {
    Bytes(Vec<u8>),
    Gate(Gate),
    Cut,
}

/// What the endpoint answers.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    before: Option<Gate>,
    parts: Vec<Part>,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            before: None,
            parts: vec![Part::Bytes(body.into())],
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A stream of events.
    pub fn stream(events: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "text/event-stream; charset=utf-8", events)
    }

    /// A stream of these chunks of a chat completion, ended by `[DONE]`.
    pub fn chunks(chunks: &[Value]) -> Self {
        let events: String = chunks
            .iter()
            .map(|chunk| format!("data: {chunk}\n\n"))
            .collect();
        Self::stream(events + "data: [DONE]\n\n")
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the bytes in pieces of this size, each its own write.
    pub fn split(mut self, size: usize) -> Self {
        let mut parts = Vec::new();
        for part in self.parts {
            match part {
                Part::Bytes(bytes) => {
                    parts.extend(bytes.chunks(size).map(|piece| Part::Bytes(piece.to_vec())))
                }
                other => parts.push(other),
            }
        }
        self.parts = parts;
        self
    }

    /// Says nothing at all, not even the status, until the gate opens.
    pub fn held(mut self, gate: &Gate) -> Self {
        self.before = Some(gate.clone());
        self
    }

    /// Waits here, in the middle of the body.
    pub fn then_wait(mut self, gate: &Gate) -> Self {
        self.parts.push(Part::Gate(gate.clone()));
        self
    }

    /// Goes on with these bytes.
    pub fn then(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.parts.push(Part::Bytes(bytes.into()));
        self
    }

    /// Breaks the connection here, in the middle of the body.
    pub fn then_cut(mut self) -> Self {
        self.parts.push(Part::Cut);
        self
    }
}

/// The endpoint; dropping it closes the port.
pub struct Endpoint {
    root: String,
    seen: watch::Receiver<Vec<Seen>>,
    hung_up: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    /// Answers each request by this function.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let root = format!("http://{}", listener.local_addr().expect("an address"));
        let (seen_in, seen) = watch::channel(Vec::new());
        let (hung_up_in, hung_up) = watch::channel(0);
        let shared = Arc::new((answer, seen_in, hung_up_in));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let (answer, seen, hung_up) = &*shared;
                    let mut socket = socket;
                    let Some(request) = read(&mut socket).await else {
                        return;
                    };
                    let reply = answer(&request);
                    seen.send_modify(|all| all.push(request));
                    if !write(&mut socket, reply).await {
                        hung_up.send_modify(|count| *count += 1);
                    }
                });
            }
        });
        Self {
            root,
            seen,
            hung_up,
            task,
        }
    }

    /// Answers with these in turn, and then with the last one again and again.
    pub async fn with(replies: Vec<Reply>) -> Self {
        let queue = Mutex::new(replies.into_iter());
        let last = Mutex::new(None);
        Self::start(move |_| {
            let next = queue.lock().expect("no poison").next();
            let mut last = last.lock().expect("no poison");
            if let Some(next) = next {
                *last = Some(next);
            }
            last.clone()
                .unwrap_or_else(|| Reply::new(500, "text/plain", "the test gave no reply"))
        })
        .await
    }

    /// `http://127.0.0.1:PORT`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The base URL for requests.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.root)
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until so many requests have come.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.clone();
        let waiting = seen.wait_for(|all| all.len() >= count);
        let all = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        all.expect("the requests come")
            .expect("the endpoint lives")
            .clone()
    }

    /// Waits until so many clients have gone away in the middle of an answer.
    pub async fn wait_for_hang_ups(&self, count: usize) {
        let mut hung_up = self.hung_up.clone();
        let waiting = hung_up.wait_for(|all| *all >= count);
        let all = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        all.expect("the client hangs up")
            .expect("the endpoint lives");
    }
}

async fn read(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[head + 4..]).unwrap_or(Value::Null);
    Some(Seen {
        method,
        path,
        headers,
        body,
    })
}

/// Writes the reply; `false` if the client went away before its end.
async fn write(socket: &mut TcpStream, reply: Reply) -> bool {
    if let Some(gate) = &reply.before
        && !passed(socket, gate).await
    {
        return false;
    }
    let mut head = format!(
        "HTTP/1.1 {} Told\r\ntransfer-encoding: chunked\r\nconnection: close\r\n",
        reply.status
    );
    for (name, value) in reply.headers.iter().filter(|(_, value)| !value.is_empty()) {
        head += &format!("{name}: {value}\r\n");
    }
    if socket.write_all((head + "\r\n").as_bytes()).await.is_err() {
        return false;
    }
    for part in reply.parts {
        let good = match part {
            Part::Bytes(bytes) if bytes.is_empty() => true,
            Part::Bytes(bytes) => {
                let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                chunk.extend_from_slice(&bytes);
                chunk.extend_from_slice(b"\r\n");
                socket.write_all(&chunk).await.is_ok() && socket.flush().await.is_ok()
            }
            Part::Gate(gate) => passed(socket, &gate).await,
            Part::Cut => return true,
        };
        if !good {
            return false;
        }
    }
    socket.write_all(b"0\r\n\r\n").await.is_ok() && socket.shutdown().await.is_ok()
}

/// Waits at the gate and watches the client meanwhile.
async fn passed(socket: &mut TcpStream, gate: &Gate) -> bool {
    let mut byte = [0];
    tokio::select! {
        () = gate.passed() => true,
        _ = socket.read(&mut byte) => false,
    }
}
