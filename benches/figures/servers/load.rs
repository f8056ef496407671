//! So many clients of a server that ask without a pause: how many calls a second, and what it costs in memory.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::servers::Program;
use crate::servers::client::{Client, resident};

/// How long the calls are counted.
const WINDOW: Duration = Duration::from_secs(5);
/// How long a server may settle before its idle memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);
/// Calls of all clients together before those that count.
const WARM_UP: usize = 640;
/// How often the memory under load is looked at; a look at many processes takes time from them.
const LOOK: Duration = Duration::from_secs(1);

/// The figures of one load.
pub struct Load {
    /// Calls a second, of all clients together.
    pub rate: f64,
    /// Bytes after the first answers, when nothing goes on.
    pub idle: u64,
    /// The most bytes while all ask.
    pub loaded: u64,
}

impl Load {
    /// Starts so many processes of the server and asks each from a thread of its own.
    pub fn of(program: &Program, clients: usize) -> Self {
        let mut clients: Vec<Client> = (0..clients).map(|_| Client::start(program)).collect();
        for client in &mut clients {
            client.hello();
            client.call();
        }
        let processes: Vec<u32> = clients.iter().map(Client::process).collect();
        thread::sleep(SETTLE);
        let idle = resident(&processes);
        let warm_up = WARM_UP / clients.len();
        let ready = Barrier::new(clients.len() + 1);
        let (over, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        let ask = |client: &mut Client| {
            (0..warm_up).for_each(|_| client.call());
            ready.wait();
            while !over.load(Ordering::Relaxed) {
                client.call();
                calls.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (rate, loaded) = thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| ask(client));
            }
            ready.wait();
            let (started, before) = (Instant::now(), calls.load(Ordering::Relaxed));
            let mut loaded = 0;
            while started.elapsed() < WINDOW {
                thread::sleep(LOOK);
                loaded = loaded.max(resident(&processes));
            }
            let counted = calls.load(Ordering::Relaxed) - before;
            let rate = counted as f64 / started.elapsed().as_secs_f64();
            over.store(true, Ordering::Relaxed);
            (rate, loaded)
        });
        Self { rate, idle, loaded }
    }
}
