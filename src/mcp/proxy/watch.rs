//! The second door of a proxy: `mcpdeck attach` comes in here and looks on.
//!
//! Impure. On loopback, for whoever can read the owner's file with the token. The first line is the token; then come JSON lines: who
//! this is, then records from the oldest that is kept on. Whoever reads slowly loses some and is told how many; the proxy itself
//! never waits for anybody here.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::mcp::proxy::pipes;
use crate::mcp::proxy::ring::{Place, Ring};
use crate::mcp::proxy::token::Token;
use crate::mcp::wire::live::LiveRecords;
use crate::mcp::wire::record::WireRecord;
use crate::mcp::wire::tap::Tap;

/// How many may look on at a time.
const MOST: usize = 16;
/// How long whoever comes in has for the token, and its longest line.
const GREETING: (Duration, u64) = (Duration::from_secs(5), 256);
/// How long an answer of a proxy may take before it counts as gone.
const ANSWER: Duration = Duration::from_secs(3);
/// How long whoever looks on has for the last of it: how a server died is what they wait for.
const LAST: Duration = Duration::from_millis(500);
/// The longest line of a proxy: a record is cut at 64 KiB, which JSON may write six times as long.
const LINE: u64 = 1024 * 1024;
/// Records that may wait on the live channel of a proxy's tap.
pub const LIVE: usize = 4096;

/// A proxy that runs, as its file tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where it can be looked into.
    pub door: SocketAddr,
    /// Where its clients come in; absent for one on pipes.
    pub listen: Option<SocketAddr>,
    /// The server behind, for people.
    pub server: String,
    /// What opens the door.
    token: String,
}

impl Running {
    /// Whether its process is there. One that was killed leaves its file, and its address may be another program's by now.
    pub fn lives(&self) -> bool {
        pipes::is_there(self.pid)
    }
}

/// A line of the door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The first one: whose wire it is.
    Hello {
        /// The server behind, for people.
        server: String,
    },
    /// One thing seen.
    Record(WireRecord),
    /// So many were lost here.
    Lost(u64),
}

/// The open door. Its file goes with it.
#[derive(Debug)]
pub struct Door {
    file: PathBuf,
    /// As the file tells of it.
    pub running: Running,
    closing: CancellationToken,
    /// A place for each who looks on.
    room: Arc<Semaphore>,
}

impl Drop for Door {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.file);
    }
}

/// The ring with a bell that rings when something is new, and says whether nothing more will come.
#[derive(Debug)]
struct Kept {
    ring: Mutex<Ring>,
    news: watch::Sender<bool>,
    server: String,
}

impl Door {
    /// Opens the door of this process: `records` is the live channel of its tap. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the door or its file cannot be made, as a sentence.
    pub async fn open(
        folder: &Path,
        server: String,
        listen: Option<SocketAddr>,
        tap: Tap,
        records: LiveRecords,
    ) -> Result<Self, String> {
        let token = Token::random()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(|error| format!("cannot listen on loopback: {error}"))?;
        let door = listener.local_addr();
        let running = Running {
            pid: std::process::id(),
            door: door.map_err(|error| format!("cannot listen on loopback: {error}"))?,
            listen,
            server: server.clone(),
            token: token.expose().to_owned(),
        };
        let file = folder.join(format!("{}.json", running.pid));
        let failed = |error| format!("cannot write {}: {error}", file.display());
        write(folder, &file, &running).map_err(failed)?;
        let kept = Arc::new(Kept {
            ring: Mutex::default(),
            news: watch::Sender::new(false),
            server,
        });
        let closing = CancellationToken::new();
        let room = Arc::new(Semaphore::new(MOST));
        tokio::spawn(keep(kept.clone(), tap, records, closing.clone()));
        let letting_in = let_in(listener, token, kept, room.clone());
        tokio::spawn(closing.clone().run_until_cancelled_owned(letting_in));
        Ok(Self {
            file,
            running,
            closing,
            room,
        })
    }

    /// Shows what is left to whoever looks on, and sees them out. Whoever does not read holds nobody up for long.
    pub async fn close(self) {
        self.closing.cancel();
        let all = u32::try_from(MOST).unwrap_or(u32::MAX);
        let _somebody_does_not_read = timeout(LAST, self.room.acquire_many(all)).await;
    }
}

/// Writes the file for the owner's eyes alone. One that a proxy of the same number has left behind is replaced.
fn write(folder: &Path, file: &Path, running: &Running) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let _none_left = fs::remove_file(file);
    let mut open = fs::OpenOptions::new();
    let mut out = open.write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(&serde_json::to_vec(running)?)
}

/// Puts what the tap sees into the ring, until the door closes and nothing waits any more.
async fn keep(kept: Arc<Kept>, tap: Tap, mut records: LiveRecords, closing: CancellationToken) {
    loop {
        let first = tokio::select! {
            biased;
            first = records.recv() => first,
            () = closing.cancelled() => records.try_recv(),
        };
        let is_last = first.is_none();
        if !is_last {
            let more = std::iter::from_fn(|| records.try_recv());
            let batch: Vec<WireRecord> = first.into_iter().chain(more).take(LIVE).collect();
            let mut ring = kept.ring.lock().unwrap_or_else(PoisonError::into_inner);
            batch.into_iter().for_each(|record| ring.push(record));
            ring.missed(tap.dropped());
        }
        kept.news.send_replace(is_last);
        if is_last {
            return;
        }
    }
}

async fn let_in(listener: TcpListener, token: Token, kept: Arc<Kept>, room: Arc<Semaphore>) {
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // The system has no connection to give, such as for want of file descriptors.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let (token, kept) = (token.clone(), kept.clone());
        tokio::spawn(async move {
            let _whoever_looked_on_has_gone = show(stream, &token, &kept).await;
            drop(place);
        });
    }
}

/// Whoever gives the token is shown everything; whoever does not is shown nothing.
async fn show(mut stream: TcpStream, token: &Token, kept: &Kept) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut greeting = String::new();
    let mut lines = BufReader::new(read.take(GREETING.1));
    timeout(GREETING.0, lines.read_line(&mut greeting)).await??;
    if !token.is(greeting.trim_end()) {
        return Ok(());
    }
    let server = kept.server.clone();
    write.write_all(&line(&Said::Hello { server })?).await?;
    let mut news = kept.news.subscribe();
    let mut place = Place::default();
    loop {
        let is_over = *news.borrow_and_update();
        let batch = {
            let ring = kept.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.after(&mut place)
        };
        if batch.is_empty() && is_over {
            return Ok(());
        }
        if batch.is_empty() {
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return Ok(()) },
                // They say nothing more: an end here is that of their connection.
                left = lines.read_line(&mut greeting) => if left? == 0 { return Ok(()) },
            }
            continue;
        }
        let mut bytes = Vec::new();
        if batch.lost > 0 {
            bytes.extend(line(&Said::Lost(batch.lost))?);
        }
        for record in &batch.records {
            bytes.extend(line(&Said::Record((**record).clone()))?);
        }
        write.write_all(&bytes).await?;
    }
}

fn line(said: &Said) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    Ok(line)
}

/// The proxies that have a file in this folder; files that cannot be read as such are passed over. The oldest first.
pub fn running(folder: &Path) -> Vec<Running> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<(Option<std::time::SystemTime>, Running)> = Vec::new();
    for entry in entries.flatten() {
        let since = entry.metadata().and_then(|about| about.modified()).ok();
        let read = fs::read(entry.path()).ok();
        found.extend(read.and_then(|bytes| Some((since, serde_json::from_slice(&bytes).ok()?))));
    }
    found.sort_by_key(|(since, _)| *since);
    found.into_iter().map(|(_, running)| running).collect()
}

/// Removes the file of a proxy that is gone.
pub fn forget(folder: &Path, running: &Running) {
    let _gone_already = fs::remove_file(folder.join(format!("{}.json", running.pid)));
}

/// A proxy that is looked into.
#[derive(Debug)]
pub struct Attached {
    lines: BufReader<TcpStream>,
    /// The server behind, for people.
    pub server: String,
}

/// Why a proxy cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Nobody is there any more.
    #[error("the proxy has ended")]
    Gone,
    /// It does not take the token.
    #[error("the proxy refuses the token")]
    Refused,
    /// It says something that is not understood.
    #[error("what answers there is no proxy of this version of mcpdeck")]
    Strange,
}

impl Attached {
    /// Comes in.
    ///
    /// # Errors
    /// See [`AttachError`].
    pub async fn at(running: &Running) -> Result<Self, AttachError> {
        let connected = timeout(ANSWER, TcpStream::connect(running.door)).await;
        let Ok(Ok(mut stream)) = connected else {
            return Err(AttachError::Gone);
        };
        let greeting = format!("{}\n", running.token);
        if stream.write_all(greeting.as_bytes()).await.is_err() {
            return Err(AttachError::Refused);
        }
        let mut attached = Self {
            lines: BufReader::new(stream),
            server: String::new(),
        };
        match timeout(ANSWER, attached.next()).await {
            Ok(Some(Said::Hello { server })) => {
                attached.server = server;
                Ok(attached)
            }
            Ok(None) => Err(AttachError::Refused),
            Ok(Some(_)) | Err(_) => Err(AttachError::Strange),
        }
    }

    /// The next line; none when the proxy has ended.
    pub async fn next(&mut self) -> Option<Said> {
        let mut line = Vec::new();
        let mut limited = (&mut self.lines).take(LINE);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => serde_json::from_slice(&line).ok(),
        }
    }
}
