//! The files of saved sessions: one thread writes and reads them, so that neither a slow disk nor a long list is ever waited for.
//!
//! `text` is a line as it is written, `journal` a file that only grows, `disk` and `store` are the folder, `writer` knows which
//! conversation goes where. The command line uses `store` directly.

pub mod disk;
#[cfg(test)]
mod faults;
pub mod id;
pub mod journal;
pub mod store;
#[cfg(test)]
mod tests;
pub mod text;
pub mod writer;

use std::sync::mpsc as orders;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

use crate::host::HostEvent;
use crate::host::session::{SessionEvent, SessionWish, SessionWrite};

pub use store::Store;
pub use writer::{Place, Writer};

/// One order.
#[derive(Debug)]
enum Order {
    Write(SessionWrite),
    Wish(SessionWish),
}

/// The thread of the files. What waits for it is a copy of what the conversation holds in memory anyway, so the queue has no
/// other bound.
#[derive(Debug)]
pub struct Sessions {
    orders: orders::Sender<Order>,
    thread: JoinHandle<()>,
}

impl Sessions {
    /// Starts it.
    ///
    /// # Errors
    /// What the system says of a new thread.
    pub fn start(place: Place, events: mpsc::Sender<HostEvent>) -> std::io::Result<Self> {
        let (orders, taken) = orders::channel();
        let thread = thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || serve(Writer::new(place), &taken, &events))?;
        Ok(Self { orders, thread })
    }

    pub(super) fn write(&self, write: SessionWrite) {
        // It ends only when this does.
        let _ended = self.orders.send(Order::Write(write));
    }

    pub(super) fn wish(&self, wish: SessionWish) {
        let _ended = self.orders.send(Order::Wish(wish));
    }

    /// Waits until everything is written that can be. Somebody must go on taking events until then.
    pub(super) fn finish(self) {
        drop(self.orders);
        let _panicked = self.thread.join();
    }
}

fn serve(mut writer: Writer, orders: &orders::Receiver<Order>, events: &mpsc::Sender<HostEvent>) {
    while let Ok(order) = orders.recv() {
        let event: SessionEvent = match order {
            Order::Write(write) => writer.write(write),
            Order::Wish(wish) => writer.wish(wish),
        };
        // When nobody listens any more, what is left is still written.
        let _nobody = events.blocking_send(HostEvent::Session(event));
    }
    writer.finish();
}
