//! Keys in the tab of how the server began: scrolling, looking at the rules anew, and the server that is restarted when its files change.
//!
//! Pure. A call is repeated after a restart only where the configuration says that twice is once, or the person has said yes: a
//! server's own hints are no permission.

use std::path::PathBuf;

use super::super::overlay::scrolled;
use crate::app::effect::AppEffect;
use crate::app::inspector::overview::{OverviewKey, Repeat, Wish};
use crate::app::state::App;
use crate::host::{Command, HostEvent, Origin, ToolCall};
use crate::ids::ServerName;
use crate::mcp::event::ServerEvent;
use crate::mcp::request::Method;

impl App {
    pub(super) fn overview_key(&mut self, key: OverviewKey) -> Vec<AppEffect> {
        let Some(name) = self.inspected() else {
            return Vec::new();
        };
        match key {
            OverviewKey::Go(by) => {
                let (rows, area) = self.chat.measured.detail;
                if let Some(inspector) = &mut self.inspector {
                    let tab = &mut inspector.overview;
                    tab.at = scrolled(tab.at, by, rows, area);
                }
                Vec::new()
            }
            OverviewKey::Restart => self.command(Command::Restart(name)),
            OverviewKey::Undeclared => {
                self.say("asking for the lists that are not announced".to_owned());
                self.command(Command::ListUndeclared(name))
            }
            OverviewKey::Repeat => self.repeat_agreed(),
            OverviewKey::Copy => self.copy_findings(),
        }
    }

    /// Closes what is open inside the tab; says whether there was anything.
    pub(super) fn overview_back(&mut self) -> bool {
        false
    }

    /// The server that is inspected.
    fn inspected(&self) -> Option<ServerName> {
        Some(self.inspector.as_ref()?.server.clone())
    }

    /// Holds the server against the rules anew, and the forms against its schemas.
    pub(in crate::app::update) fn look_anew(&mut self) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        if let Some(server) = self.host.server(&inspector.server) {
            inspector.overview.findings = server.findings(inspector.overview.given);
            let closed = inspector.offers.follow(server);
            if let Some(of) = closed {
                inspector.offers.closed = Some(self.now);
                let name = crate::text::clean::line(of.name());
                self.complain(format!(
                    "`{name}` is not offered any more: its form is closed. What is filled in is kept."
                ));
            }
        }
    }

    /// Whether an event is about the server that is inspected: `true` where the rules may have something else to say after it.
    pub(in crate::app::update) fn overview_news(&self, event: &HostEvent) -> Option<bool> {
        match event {
            HostEvent::Server { server, event, .. } if *server == self.inspected()? => {
                Some(is_news(event))
            }
            _ => None,
        }
    }

    /// The host has taken such an event in; a call may wait for the server.
    pub(in crate::app::update) fn overview_heard(&mut self, is_news: bool) -> Vec<AppEffect> {
        if is_news {
            self.look_anew();
        }
        match self.inspected() {
            Some(name) => self.repeat_if_ready(&name),
            None => Vec::new(),
        }
    }

    /// A file that the server is made of has changed.
    pub(in crate::app::update) fn sources_touched(&mut self, path: PathBuf) -> Vec<AppEffect> {
        let Some(name) = self.inspected() else {
            return Vec::new();
        };
        let repeat = self.what_to_repeat(&name);
        if let Some(inspector) = &mut self.inspector {
            let watch = &mut inspector.overview.watch;
            watch.restarts += 1;
            watch.repeat = repeat;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let text = format!("{file} changed: {name} is restarted");
            watch.touched = Some(path);
            self.say(text);
        }
        self.command(Command::Restart(name))
    }

    /// What becomes of the last call by hand after a restart.
    fn what_to_repeat(&self, name: &ServerName) -> Repeat {
        let by_hand = |call: &&ToolCall| {
            matches!(call.origin, Origin::Hand) && call.server.as_ref() == Some(name)
        };
        let (Some(call), Some(inspector)) =
            (self.host.calls.iter().rfind(by_hand), &self.inspector)
        else {
            return Repeat::Nothing;
        };
        let watch = &inspector.overview.watch;
        let wish = Wish {
            method: call.method,
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
        };
        let is_repeatable = self.host.is_repeatable(call);
        // One that is on its way and may be repeated is sent again by the host itself.
        if call.end().is_none() && is_repeatable {
            return Repeat::Done(wish);
        }
        let is_agreed = watch.repeats_all || watch.yes.as_ref() == Some(&wish);
        match is_repeatable || is_agreed {
            true => Repeat::Next(wish),
            false => Repeat::Held(wish),
        }
    }

    /// The person says yes to the call that is held back: for now, and for each restart to come.
    fn repeat_agreed(&mut self) -> Vec<AppEffect> {
        let Some(inspector) = &mut self.inspector else {
            return Vec::new();
        };
        let watch = &mut inspector.overview.watch;
        let Repeat::Held(wish) = watch.repeat.clone() else {
            self.say("there is no call that waits for a yes".to_owned());
            return Vec::new();
        };
        watch.yes = Some(wish.clone());
        watch.repeat = Repeat::Next(wish);
        let name = inspector.server.clone();
        self.repeat_if_ready(&name)
    }

    fn repeat_if_ready(&mut self, name: &ServerName) -> Vec<AppEffect> {
        let is_ready = self
            .host
            .server(name)
            .is_some_and(|it| it.status.is_ready());
        let Some(inspector) = self.inspector.as_mut().filter(|_| is_ready) else {
            return Vec::new();
        };
        let watch = &mut inspector.overview.watch;
        let Repeat::Next(wish) = watch.repeat.clone() else {
            return Vec::new();
        };
        watch.repeat = Repeat::Done(wish.clone());
        let server = name.clone();
        let Wish {
            method,
            tool,
            arguments,
        } = wish;
        self.command(match method {
            Method::Tool => Command::Call {
                server,
                tool,
                arguments,
            },
            Method::Resource => Command::Read { server, uri: tool },
            Method::Prompt => Command::GetPrompt {
                server,
                prompt: tool,
                arguments,
                send: false,
            },
        })
    }

    fn copy_findings(&mut self) -> Vec<AppEffect> {
        let Some(inspector) = &self.inspector else {
            return Vec::new();
        };
        let lines = inspector.overview.findings.iter().map(|found| {
            let (level, id) = (found.rule.level.word(), found.rule.id);
            let about = found.object.words();
            format!(
                "{level} {id} {about}: {}\n  fix: {}\n",
                found.says, found.fix
            )
        });
        let text: String = lines.collect();
        match text.is_empty() {
            true => {
                self.say("there is nothing to copy".to_owned());
                Vec::new()
            }
            false => vec![AppEffect::Copy(text)],
        }
    }
}

/// Whether the rules may have something else to say after this.
fn is_news(event: &ServerEvent) -> bool {
    matches!(
        event,
        ServerEvent::Connected(_)
            | ServerEvent::Listed(_)
            | ServerEvent::ListFailed(..)
            | ServerEvent::Changed(_)
            | ServerEvent::Stray { .. }
            | ServerEvent::Ended(_)
    )
}
