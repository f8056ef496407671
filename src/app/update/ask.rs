//! Visits that servers ask for: opened after a yes and not before, copied, agreed to; and what comes of them.
//!
//! Pure.

use super::host_effects;
use crate::app::dialog::{Awaited, Dialog, Visit};
use crate::app::effect::AppEffect;
use crate::app::state::{App, Overlay};
use crate::host::{About, Answer, HostEvent, SessionEvent};
use crate::ids::ServerName;
use crate::mcp::ask::Ask;
use crate::mcp::event::ServerEvent;

impl App {
    /// Takes in what the driver reports. A visit is no longer waited for when its server calls it done, or is gone.
    pub(super) fn reported(&mut self, event: HostEvent) -> Vec<AppEffect> {
        if let HostEvent::Server { server, event, .. } = &event {
            match event {
                ServerEvent::UrlDone { id } => self.visit_done(server, id),
                ServerEvent::Ended(_) => self.visits.retain(|visit| visit.server != *server),
                _ => {}
            }
        }
        let lists = matches!(event, HostEvent::Session(SessionEvent::Listed(_)));
        let news = self.overview_news(&event);
        let mut effects = host_effects(self.host.handle(event, self.now));
        if lists {
            self.fill_sessions();
        }
        if let Some(news) = news {
            effects.extend(self.overview_heard(news));
        }
        effects
    }

    fn visit_done(&mut self, server: &ServerName, id: &str) {
        let before = self.visits.len();
        self.visits
            .retain(|visit| visit.server != *server || visit.id != id);
        if self.visits.len() < before {
            self.say(format!("{server} says that the visit is done."));
        }
    }

    fn visit(&mut self) -> Option<&mut Visit> {
        match &mut self.ask.dialog {
            Dialog::Visit(visit) => Some(visit),
            Dialog::Call | Dialog::Form(_) | Dialog::Sampling | Dialog::Folders(_) => None,
        }
    }

    /// Yes: the browser gets the address. The server is told when that has gone well.
    pub(super) fn open_visit(&mut self) -> Vec<AppEffect> {
        let Some(visit) = self.visit() else {
            return Vec::new();
        };
        if !visit.address.opens {
            self.complain("That is no address of a web page: it is not opened.");
            return Vec::new();
        }
        if std::mem::replace(&mut visit.opening, true) {
            return Vec::new();
        }
        vec![AppEffect::Open(visit.address.shown.clone())]
    }

    pub(super) fn copy_visit(&mut self) -> Vec<AppEffect> {
        match self.visit() {
            Some(visit) => vec![AppEffect::Copy(super::chat::for_clipboard(
                &visit.address.shown,
            ))],
            None => Vec::new(),
        }
    }

    /// The person has agreed, and goes there or is there.
    pub(super) fn agree_to_visit(&mut self) -> Vec<AppEffect> {
        let host = match self.visit() {
            Some(visit) if visit.address.opens => {
                visit.address.host().unwrap_or_default().to_owned()
            }
            Some(_) => {
                self.complain("That is no address of a web page: say no, or close it.");
                return Vec::new();
            }
            None => return Vec::new(),
        };
        if let Some(About::Server {
            server,
            what: Ask::Url { id: Some(id), .. },
            call,
            ..
        }) = self.host.questions.front().map(|question| &question.about)
        {
            self.visits.push(Awaited {
                server: server.clone(),
                id: id.clone(),
                host,
                call: *call,
            });
        }
        self.reply(Answer::Once)
    }

    /// What came of handing an address to the browser. Where there is none here, the address is copied instead, and the person
    /// says when they have gone there.
    pub(super) fn opened(&mut self, url: &str, outcome: Result<(), String>) -> Vec<AppEffect> {
        if let Overlay::SignIn(sign_in) = &mut self.overlay {
            return sign_in.opened(url, outcome);
        }
        let Some(visit) = self
            .visit()
            .filter(|visit| visit.opening && visit.address.shown == url)
        else {
            return Vec::new();
        };
        visit.opening = false;
        match outcome {
            Ok(()) => {
                self.say("Opened in the browser.");
                self.agree_to_visit()
            }
            Err(why) => {
                visit.failed = Some(why);
                self.ask.scroll = 0;
                self.ask.free = true;
                vec![AppEffect::Copy(url.to_owned())]
            }
        }
    }
}
