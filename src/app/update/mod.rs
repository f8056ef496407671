//! How the state changes: an event comes in, the key table says what is meant, one small function does it, effects go out.
//!
//! Pure. `terminal::run` calls [`App::update`] and nothing else changes an [`App`].

mod ask;
mod chat;
mod fields;
mod form;
mod hints;
mod input;
mod inspector;
mod keeping;
mod lists;
mod overlay;
mod pins;
mod question;
mod queue;
mod reach;
mod session;
mod sign_in;
mod trust;
mod unknown;

use std::time::Duration;

use crate::agent::transcript::Entry;
use crate::app::composer::Composer;
use crate::app::effect::AppEffect;
use crate::app::event::AppEvent;
use crate::app::intent::Intent;
use crate::app::keymap::Context;
use crate::app::notice::Notices;
use crate::app::state::{
    Anchor, App, AskPane, CallsPane, ChatPane, Here, Overlay, Pane, Reach, ServersPane, Toast,
};
use crate::config::{Notify, ThemeChoice};
use crate::host::{CallState, Command, Effect, Host, ModelState, Server, TurnState};
use crate::ids::Moment;
use crate::mcp::policy::breaker::BreakerState;
use crate::mcp::status::Status;
use crate::mcp::wire::log::WireLog;

/// A second Ctrl-C within this time quits.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a word about what was done stays.
const WORD: Duration = Duration::from_millis(2500);
/// How long a complaint stays: it has to be read.
const COMPLAINT: Duration = Duration::from_secs(8);

impl App {
    /// The program at its start. The host may have been started or not; its effects are the caller's.
    pub fn new(host: Host, size: (u16, u16), theme: ThemeChoice) -> Self {
        Self {
            host,
            now: Moment::default(),
            size,
            focus: Pane::Chat,
            tab: Pane::Chat,
            inspector: None,
            overlay: Overlay::None,
            trust: None,
            declined: None,
            configured_theme: theme,
            composer: Composer::default(),
            chat: ChatPane::default(),
            calls: CallsPane::default(),
            servers: ServersPane::default(),
            ask: AskPane::default(),
            visits: Vec::new(),
            here: Here::default(),
            secrets: std::sync::Arc::default(),
            reach: Reach::default(),
            toast: None,
            wire: WireLog::default(),
            suggestion: None,
            theme,
            notify: Notify::default(),
            notices: Notices::default(),
            opening: None,
            heard: 0,
            queued: None,
            cancelled: None,
            quitting: false,
        }
    }

    /// Starts the host: all its servers, and the search for a model. While a folder's file waits for its answer, nothing.
    pub fn start(&mut self, now: Moment) -> Vec<AppEffect> {
        self.now = self.now.max(now);
        match self.trust {
            Some(_) => Vec::new(),
            None => self.begin(),
        }
    }

    /// Nothing stands in the way any more.
    fn begin(&mut self) -> Vec<AppEffect> {
        let mut effects = host_effects(self.host.start(self.now));
        effects.extend(self.begin_with());
        effects
    }

    /// What the person said last to the model.
    pub fn last_prompt(&self) -> Option<&str> {
        let mut entries = self.host.transcript.entries().iter().rev();
        entries.find_map(|entry| match entry {
            Entry::User { text, .. } => Some(text.as_str()),
            Entry::Assistant(_)
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Compacted(_)
            | Entry::Hand { .. } => None,
        })
    }

    /// Takes in one event.
    pub fn update(&mut self, event: AppEvent, now: Moment) -> Vec<AppEffect> {
        self.now = self.now.max(now);
        let was_busy = self.host.is_busy();
        let mut effects = match event {
            AppEvent::Key(key) => self.key(key),
            AppEvent::Paste(text) => self.paste(&text),
            AppEvent::Mouse(mouse) => self.mouse(mouse),
            AppEvent::Resize(columns, rows) => {
                self.size = (columns, rows);
                Vec::new()
            }
            AppEvent::Host(event) => self.reported(event),
            AppEvent::Wire(record) => {
                self.frame_came(record);
                Vec::new()
            }
            AppEvent::Tick => Vec::new(),
            AppEvent::Drawn(measured) => self.drawn(measured),
            AppEvent::Suggestion(suggestion) => {
                self.suggestion = suggestion;
                Vec::new()
            }
            AppEvent::Theme(theme) => {
                self.theme = theme;
                Vec::new()
            }
            AppEvent::Copied(outcome) => self.copied(outcome),
            AppEvent::Opened(url, outcome) => self.opened(&url, outcome),
            AppEvent::Missing(folders) => self.folders_found(&folders),
            AppEvent::News(news) => self.news(*news),
            AppEvent::TrustNotKept(why) => self.trust_not_kept(&why),
            AppEvent::Saved(outcome) => self.saved(outcome),
            AppEvent::Resumed => vec![AppEffect::Redraw],
            AppEvent::Terminate => self.quit(),
        };
        effects.extend(self.send_queued(was_busy));
        self.settle();
        effects.extend(self.follow_reach());
        effects.extend(self.call_person());
        effects
    }

    /// Calls a person who has asked for it, when something happens that matters to them.
    fn call_person(&mut self) -> Option<AppEffect> {
        let text = self.notices.news(&self.host, self.now)?;
        match self.notify {
            Notify::Off => None,
            Notify::Bell => Some(AppEffect::Ring),
            Notify::Desktop => Some(AppEffect::Notify(text)),
        }
    }

    /// Who gets the keys.
    pub fn context(&self) -> Context {
        match &self.overlay {
            Overlay::Help { .. } => Context::Help,
            _ if self.trust.is_some() => Context::Trust,
            Overlay::Palette(_) => Context::Palette,
            Overlay::Fields(_) => Context::Fields,
            Overlay::Detail { .. } => Context::Detail,
            Overlay::Folders(_) => Context::Form,
            Overlay::SignIn(_) => Context::SignIn,
            Overlay::None if self.inspector.is_some() => match &self.inspector {
                Some(inspector) if self.ask.question.is_none() => inspector.context(),
                _ => self.ask.context(),
            },
            Overlay::None => match self.focus {
                Pane::Chat if self.ask.question.is_none() && self.is_suggesting() => {
                    Context::Completing
                }
                Pane::Chat if self.ask.question.is_none() => Context::Chat,
                Pane::Chat => self.ask.context(),
                Pane::Calls => Context::Calls,
                Pane::Servers => Context::Servers,
            },
        }
    }

    /// How soon something on the screen counts on by itself; absent: nothing does, and the program can sleep.
    pub fn tick(&self) -> Option<Duration> {
        const SOON: Duration = Duration::from_millis(10);
        const FAST: Duration = Duration::from_millis(100);
        const SLOW: Duration = Duration::from_secs(1);
        let runs = self.host.turn != TurnState::Idle
            || matches!(self.host.model, ModelState::Searching { .. })
            || self.host.compacting.is_some()
            || self.is_calling();
        let status = |wanted: fn(&Status) -> bool| {
            let mut servers = self.host.servers.iter();
            servers.any(|server| wanted(&server.status))
        };
        if runs || status(|status| matches!(status, Status::Starting { .. })) {
            return Some(FAST);
        }
        let toast = self
            .toast
            .as_ref()
            .map(|toast| toast.until.since(self.now).max(FAST));
        let is_open = |server: &Server| matches!(server.breaker.state(), BreakerState::Open { .. });
        let counts = status(|status| matches!(status, Status::Waiting { .. }))
            || self.host.servers.iter().any(is_open);
        let counting = counts.then_some(SLOW);
        let due = self.reach.asker.due();
        let due = due.map(|due| due.since(self.now).max(SOON));
        toast.into_iter().chain(counting).chain(due).min()
    }

    /// Whether a turn or a call made by hand is under way.
    fn is_running(&self) -> bool {
        self.host.is_busy() || self.is_calling()
    }

    fn is_calling(&self) -> bool {
        // From the newest on: what runs is at the end of a long list.
        let mut calls = self.host.calls.iter().rev();
        calls.any(|call| {
            matches!(
                call.state,
                CallState::Running { .. } | CallState::Queued { .. }
            )
        })
    }

    /// One function for each intent; what a key, a palette row and a slash command have in common.
    fn intend(&mut self, intent: Intent) -> Vec<AppEffect> {
        match intent {
            Intent::Help => self.toggle_help(),
            Intent::Palette => self.toggle_palette(),
            Intent::NextPane => self.next_pane(),
            Intent::PreviousPane => self.previous_pane(),
            Intent::Focus(pane) => self.focus(pane),
            Intent::Back => self.back(),
            Intent::Cancel => self.cancel(),
            Intent::EndOfInput => self.end_of_input(),
            Intent::Quit => self.quit(),
            Intent::Suspend => vec![AppEffect::Suspend],
            Intent::Redraw => vec![AppEffect::Redraw],
            Intent::Reasoning => self.toggle_reasoning(),
            Intent::CopyAnswer => self.copy_answer(),
            Intent::CopyResult => self.copy_result(),
            Intent::LookAfter => self.look_after_call(),
            Intent::RepeatCall => self.repeat_call(),
            Intent::Move(by) => self.go(by),
            Intent::Submit => self.submit(),
            Intent::Newline => self.newline(),
            Intent::Edit(edit) => self.edit(edit),
            Intent::Open => self.open(),
            Intent::Tools => self.show_tools(),
            Intent::Pins(server) => self.look_or_accept(server),
            Intent::Restart(server) => self.tell_server(server, Command::Restart, "restarting"),
            Intent::Disable(server) => self.tell_server(server, Command::Disable, "switching off"),
            Intent::Enable(server) => self.tell_server(server, Command::Enable, "switching on"),
            Intent::ShowServer(server) => self.show_server(server),
            Intent::PreviousAnswer => self.mark_answer(false),
            Intent::NextAnswer => self.mark_answer(true),
            Intent::AnswerMarked => self.answer_marked(),
            Intent::Answer(choice) => self.answer(choice),
            Intent::Field(key) => self.press_field(key),
            Intent::Folders => self.open_folders(),
            Intent::SignIn(server) => self.begin_sign_in(server),
            Intent::SignOut(server) => {
                self.tell_server(Some(server), Command::SignOut, "signing out")
            }
            Intent::Sign(key) => self.sign(key),
            Intent::Trust(key) => self.trust(key),
            Intent::Arguments(by) => self.scroll_arguments(by),
            Intent::LeaveReason => self.leave_reason(),
            Intent::Run => self.run_marked(),
            Intent::Compose(text) => self.compose(&text),
            Intent::Call {
                server,
                tool,
                arguments,
            } => self.call_by_hand(server, tool, arguments),
            Intent::Keeping(wish) => self.keeping(wish),
            Intent::Inspect(wish) => self.inspect(wish),
            Intent::Reach(wish) => self.reach(wish),
            Intent::Session(wish) => self.session(wish),
            Intent::Clear => self.clear(),
            Intent::FindModel => self.find_model(),
            Intent::Theme(theme) => self.choose_theme(theme),
        }
    }

    /// What follows from every event: the toast goes, the question comes.
    fn settle(&mut self) {
        if self
            .toast
            .as_ref()
            .is_some_and(|toast| toast.until <= self.now)
        {
            self.toast = None;
        }
        self.hear_of_sessions();
        self.heed_wire_filter();
        self.meet_question();
        self.check_form();
        self.follow_sign_in();
        let entries = self.host.transcript.entries().len();
        // A new conversation is shorter than the place in the old one.
        if matches!(self.chat.anchor, Anchor::At { entry, .. } if entry >= entries) {
            self.chat.anchor = Anchor::Follow;
        }
    }

    fn command(&mut self, command: Command) -> Vec<AppEffect> {
        host_effects(self.host.command(command, self.now))
    }

    fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            until: self.now.plus(WORD),
        });
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            until: self.now.plus(COMPLAINT),
        });
    }
}

fn host_effects(effects: Vec<Effect>) -> Vec<AppEffect> {
    effects.into_iter().map(AppEffect::Host).collect()
}
