//! What reaches into servers beside calls: completions while one types, prompts, resources, subscriptions, files that are saved.
//!
//! Pure. `follow_reach` runs after every event: it fits the completions to the input and sends what is due.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::app::browse::Shelf;
use crate::app::composer::Edit;
use crate::app::effect::{AppEffect, Save};
use crate::app::fields::Fields;
use crate::app::intent::{Intent, Move, Reaching};
use crate::app::keymap::Context;
use crate::app::palette::Palette;
use crate::app::picture;
use crate::app::state::{Anchor, App, Overlay, Pane};
use crate::app::suggest::{self, Then};
use crate::app::update::lists::moved;
use crate::host::{Command, ErrandState};
use crate::ids::ServerName;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::{Errand, ErrandEnd};
use crate::text::clean;

/// Rows that a page of the completions is taken for.
const PAGE: usize = 8;

impl App {
    /// Whether completions are on show.
    pub(super) fn is_suggesting(&self) -> bool {
        self.reach.suggest.awake && !self.reach.suggest.rows.is_empty()
    }

    /// A key does something: writing wakes the completions, going elsewhere puts them to sleep.
    pub(super) fn stir(&mut self, context: Context, intent: Option<&Intent>) {
        self.stir_sessions(intent);
        if context == Context::Fields {
            self.stir_fields(intent);
        }
        if !matches!(context, Context::Chat | Context::Completing) {
            return;
        }
        let awake = &mut self.reach.suggest.awake;
        match intent {
            None | Some(Intent::Edit(Edit::Delete(_))) => *awake = true,
            Some(Intent::Reach(Reaching::Take { .. }) | Intent::Redraw | Intent::Reasoning) => {}
            Some(Intent::Move(Move::Up | Move::Down)) if context == Context::Completing => {}
            Some(_) => *awake = false,
        }
    }

    /// What reaches into a server, or into what was got from one.
    pub(super) fn reach(&mut self, wish: Reaching) -> Vec<AppEffect> {
        match wish {
            Reaching::Browse(shelf) => self.browse(shelf),
            Reaching::Read { server, uri } => self.read(server, uri),
            Reaching::FillTemplate {
                server,
                uri_template,
            } => self.fill_template(&server, &uri_template, None),
            Reaching::UsePrompt { server, prompt } => self.use_prompt(&server, &prompt),
            Reaching::FillPrompt {
                server,
                prompt,
                given,
            } => self.fill_prompt(&server, &prompt, &given),
            Reaching::GetPrompt {
                server,
                prompt,
                arguments,
            } => self.get_prompt(server, prompt, arguments),
            Reaching::Errand { server, what } => self.do_errand(server, what),
            Reaching::Take { sends } => self.take_suggestion(sends),
            Reaching::Dismiss => self.dismiss(),
            Reaching::NextField => self.next_field(1),
            Reaching::PreviousField => self.previous_field(),
            Reaching::SendFields => self.send_fields(),
            Reaching::SaveBlocks => self.save_blocks(),
        }
    }

    /// Brings completions and errands in line with everything else, and sends what is due.
    pub(super) fn follow_reach(&mut self) -> Vec<AppEffect> {
        self.reach.asker.observe(&self.host);
        let writes = matches!(self.context(), Context::Chat | Context::Completing);
        let (text, caret) = (self.composer.text(), self.composer.caret());
        let ask = match &self.overlay {
            Overlay::Fields(fields) => fields.ask(&self.host),
            _ if writes => self.reach.suggest.ask(text, caret, &self.host),
            _ => self.offers_ask(),
        };
        self.reach.asker.want(ask, self.now);
        let reach = &mut self.reach;
        if writes {
            let (suggest, asker) = (&mut reach.suggest, &reach.asker);
            suggest.fit(text, caret, &self.host, asker);
        } else {
            reach.suggest.sleep();
        }
        self.tell_errands();
        let Some(ask) = self.reach.asker.take_due(self.now) else {
            return Vec::new();
        };
        let (server, what) = ask.clone();
        let effects = self.command(Command::Errand { server, what });
        if let Some(errand) = self.host.errands.back() {
            self.reach.asker.sent(errand.id, ask, self.now);
        }
        effects
    }

    /// Says what came of the errands that the person asked for.
    fn tell_errands(&mut self) {
        let waiting = std::mem::take(&mut self.reach.errands);
        for id in waiting {
            let errand = self.host.errands.iter().find(|errand| errand.id == id);
            match errand.cloned() {
                Some(ErrandState { end: None, .. }) => self.reach.errands.push(id),
                Some(errand) => self.tell_errand(&errand),
                // Pushed out by newer ones before it ended.
                None => {}
            }
        }
    }

    fn tell_errand(&mut self, errand: &ErrandState) {
        let server = &errand.server;
        let what = match &errand.what {
            Errand::Subscribe { uri } => format!("subscribe to {} at {server}", clean::line(uri)),
            Errand::Unsubscribe { uri } => format!("unsubscribe {} at {server}", clean::line(uri)),
            Errand::SetLogLevel { level } => format!("set the log level of {server} to {level}"),
            Errand::Raw { .. } => format!("send the frame to {server}"),
            Errand::Complete { .. } | Errand::Preview { .. } => return,
        };
        match &errand.end {
            Some(ErrandEnd::Failed { why }) => {
                self.complain(format!("Could not {what}: {}", clean::line(why)));
            }
            Some(ErrandEnd::Done | ErrandEnd::Completed { .. } | ErrandEnd::Previewed { .. }) => {
                self.say(format!("Done: {what}."));
            }
            None => {}
        }
    }

    /// Does an errand whose end is said.
    pub(super) fn do_errand(&mut self, server: ServerName, what: Errand) -> Vec<AppEffect> {
        let effects = self.command(Command::Errand { server, what });
        let id = self.host.errands.back().map(|errand| errand.id);
        self.reach.errands.extend(id);
        effects
    }

    pub(super) fn mark_suggestion(&mut self, by: Move) {
        let suggest = &mut self.reach.suggest;
        suggest.marked = moved(suggest.marked, by, suggest.rows.len(), PAGE);
    }

    pub(super) fn dismiss(&mut self) -> Vec<AppEffect> {
        self.reach.suggest.sleep();
        Vec::new()
    }

    /// Takes the marked completion.
    pub(super) fn take_suggestion(&mut self, sends: bool) -> Vec<AppEffect> {
        let Some(row) = self.reach.suggest.chosen().cloned() else {
            return Vec::new();
        };
        let range = self.reach.suggest.range.clone();
        match &row.then {
            Then::Prompt(server, prompt) => {
                self.composer.put_at(range, "");
                self.use_prompt(server, prompt)
            }
            Then::Template(server, template) => self.fill_template(server, template, Some(range)),
            Then::Write | Then::Send => {
                let typed = self.composer.text().get(range.clone()).unwrap_or_default();
                let is_meant = row.label.starts_with(typed) && row.then == Then::Send;
                self.composer.put_at(range, &suggest::insertion(&row));
                if sends && is_meant {
                    return self.submit();
                }
                Vec::new()
            }
        }
    }

    pub(super) fn browse(&mut self, shelf: Shelf) -> Vec<AppEffect> {
        self.overlay = Overlay::Palette(Palette::of(shelf, &self.host));
        self.command(Command::Look)
    }

    pub(super) fn read(&mut self, server: ServerName, uri: String) -> Vec<AppEffect> {
        self.chat.anchor = Anchor::Follow;
        self.focus(Pane::Chat);
        self.command(Command::Read { server, uri })
    }

    /// Whether a prompt could go to the model now; else it is said why not.
    pub(super) fn can_prompt(&mut self) -> bool {
        let can = self.can_send();
        if !can {
            self.complain(
                "A turn is running: the prompt can go when it is over, Esc interrupts it.",
            );
        }
        can
    }

    pub(super) fn get_prompt(
        &mut self,
        server: ServerName,
        prompt: String,
        arguments: String,
    ) -> Vec<AppEffect> {
        self.chat.anchor = Anchor::Follow;
        self.focus(Pane::Chat);
        self.suggestion = None;
        self.command(Command::GetPrompt {
            server,
            prompt,
            arguments,
            send: true,
        })
    }

    fn prompt(&self, server: &ServerName, name: &str) -> Option<&Prompt> {
        let mut prompts = self.host.server(server)?.prompts.iter();
        prompts.find(|prompt| prompt.name == name)
    }

    /// A prompt with arguments gets its form; one without is put into the input, where it can still be thought over.
    pub(super) fn use_prompt(&mut self, server: &ServerName, name: &str) -> Vec<AppEffect> {
        let is_word = !name.contains(char::is_whitespace) && clean::line(name) == name;
        match self.prompt(server, name) {
            Some(prompt) if prompt.arguments.is_empty() && is_word => {
                self.compose(&format!("/{server}:{name}"))
            }
            Some(_) => self.fill_prompt(server, name, &BTreeMap::new()),
            None => Vec::new(),
        }
    }

    pub(super) fn fill_prompt(
        &mut self,
        server: &ServerName,
        name: &str,
        given: &BTreeMap<String, String>,
    ) -> Vec<AppEffect> {
        if let Some(prompt) = self.prompt(server, name) {
            let fields = Fields::of_prompt(server, prompt, given);
            self.overlay = Overlay::Fields(Box::new(fields));
        }
        Vec::new()
    }

    /// Whether the answer in view holds something that can be saved.
    pub(super) fn has_files_in_view(&self) -> bool {
        let result = self.call_in_view().and_then(|call| call.result());
        result.is_some_and(|result| !picture::files(result).is_empty())
    }

    /// The pictures, sounds and files of the call in view, to files.
    pub(super) fn save_blocks(&mut self) -> Vec<AppEffect> {
        let Some((id, result)) = self
            .call_in_view()
            .and_then(|call| Some((call.id, call.result()?)))
        else {
            self.say("There is nothing to save here.");
            return Vec::new();
        };
        let files = picture::files(result).into_iter().enumerate();
        let saves: Vec<Save> = files
            .map(|(at, file)| Save {
                stem: format!("call-{id}-{}", at + 1),
                extension: file.extension,
                data: file.data.to_owned(),
            })
            .collect();
        if saves.is_empty() {
            self.say("This answer holds no picture, sound or file.");
            return Vec::new();
        }
        vec![AppEffect::Save(saves)]
    }

    pub(super) fn saved(&mut self, outcome: Result<Vec<PathBuf>, String>) -> Vec<AppEffect> {
        match outcome {
            Ok(paths) => {
                let names = paths
                    .iter()
                    .map(|path| clean::line(&path.to_string_lossy()));
                let names = names.collect::<Vec<_>>().join(", ");
                // As long as a complaint: a path has to be read.
                self.complain(format!("Saved {names} in the current folder."));
            }
            Err(why) => self.complain(format!("Not saved: {why}")),
        }
        Vec::new()
    }
}
