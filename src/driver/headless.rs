//! The headless loop: the same host and driver with a shorter end. No panes; whoever runs it looks at the host after each event.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::driver::clock::Clock;
use crate::driver::perform::{Driver, Receivers};
use crate::host::{Command, Effect, Host, HostEvent, recorded};
use crate::ids::Moment;
use crate::record::form::name;
use crate::record::{Said, Sink};

/// A host with its driver.
#[derive(Debug)]
pub struct Headless {
    /// The state, to be looked at.
    pub host: Host,
    driver: Driver,
    events: mpsc::Receiver<HostEvent>,
    clock: Clock,
    recording: Option<Sink>,
}

impl Headless {
    /// Joins the two; nothing runs yet.
    pub fn new(host: Host, driver: Driver, receivers: Receivers, clock: Clock) -> Self {
        Self {
            host,
            driver,
            events: receivers.events,
            clock,
            recording: None,
        }
    }

    /// From now on all that happens is written down.
    #[must_use]
    pub fn recorded(mut self, recording: Option<Sink>) -> Self {
        self.recording = recording;
        self
    }

    fn note(&self, name: &'static str, at: Moment, body: &impl Serialize, said: Said) {
        if let Some(recording) = &self.recording {
            recording.put(name, at, body, said);
        }
    }

    /// Starts the servers and looks for a model.
    pub fn start(&mut self) {
        let now = self.clock.now();
        self.note(name::START, now, &true, Said::Whole);
        let effects = self.host.start(now);
        self.perform(effects);
    }

    /// Gives the host a command.
    pub fn command(&mut self, command: Command) {
        let now = self.clock.now();
        self.note(name::COMMAND, now, &command, Said::Whole);
        let effects = self.host.command(command, now);
        self.perform(effects);
    }

    /// Takes over a configuration that was read again: the driver first, because what the host wants done is done by it.
    pub fn reload(&mut self, config: Arc<Config>) {
        self.driver.reconfigure(config.clone());
        let now = self.clock.now();
        self.note(name::CONFIG, now, &config, Said::Whole);
        let effects = self.host.reload(&config, now);
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
            self.take_in(event);
        }
    }

    /// The same, and gives what was heard, for whoever must not miss one of two equal events.
    pub async fn heard(&mut self) -> Option<HostEvent> {
        let event = self.events.recv().await?;
        self.take_in(event.clone());
        Some(event)
    }

    fn take_in(&mut self, event: HostEvent) {
        let now = self.clock.now();
        let said = recorded::said(&event, false);
        self.note(name::HOST, now, &event, said);
        let effects = self.host.handle(event, now);
        self.perform(effects);
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
        let ended = self.driver.shutdown(self.events).await;
        match &self.recording {
            Some(recording) => ended.and(recording.close(self.clock.now())),
            None => ended,
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        effects
            .into_iter()
            .for_each(|effect| self.driver.perform(effect));
        self.driver.see(&self.host);
    }
}
