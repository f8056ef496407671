//! The headless loop: the same host and driver with a shorter end. No panes; whoever runs it looks at the host after each event.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::config::Config;
use crate::driver::clock::Clock;
use crate::driver::perform::{Driver, Receivers};
use crate::host::{Command, Effect, Host, HostEvent};
use crate::ids::Moment;

/// A host with its driver.
#[derive(Debug)]
pub struct Headless {
    /// The state, to be looked at.
    pub host: Host,
    driver: Driver,
    events: mpsc::Receiver<HostEvent>,
    clock: Clock,
}

impl Headless {
    /// Joins the two; nothing runs yet.
    pub fn new(host: Host, driver: Driver, receivers: Receivers, clock: Clock) -> Self {
        Self {
            host,
            driver,
            events: receivers.events,
            clock,
        }
    }

    /// Starts the servers and looks for a model.
    pub fn start(&mut self) {
        let effects = self.host.start(self.clock.now());
        self.perform(effects);
    }

    /// Gives the host a command.
    pub fn command(&mut self, command: Command) {
        let effects = self.host.command(command, self.clock.now());
        self.perform(effects);
    }

    /// Takes over a configuration that was read again: the driver first, because what the host wants done is done by it.
    pub fn reload(&mut self, config: Arc<Config>) {
        self.driver.reconfigure(config.clone());
        let effects = self.host.reload(&config, self.clock.now());
        self.perform(effects);
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Waits for the next event and lets the host take it in. Can be dropped at any point without losing an event.
    pub async fn step(&mut self) {
        // The driver holds a sender, so the channel never closes before it does.
        if let Some(event) = self.events.recv().await {
            let effects = self.host.handle(event, self.clock.now());
            self.perform(effects);
        }
    }

    /// The same, and gives what was heard, for whoever must not miss one of two equal events.
    pub async fn heard(&mut self) -> Option<HostEvent> {
        let event = self.events.recv().await?;
        let effects = self.host.handle(event.clone(), self.clock.now());
        self.perform(effects);
        Some(event)
    }

    /// Steps until the host is as wished.
    pub async fn until(&mut self, wish: impl Fn(&Host) -> bool) {
        while !wish(&self.host) {
            self.step().await;
        }
    }

    /// Ends servers in an orderly way.
    ///
    /// # Errors
    /// What the system says of the wire log.
    pub async fn shutdown(self) -> Result<(), String> {
        self.driver.shutdown(self.events).await
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        effects
            .into_iter()
            .for_each(|effect| self.driver.perform(effect));
        self.driver.see(&self.host);
    }
}
