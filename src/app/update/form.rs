//! Keys in forms and in the list of folders, whether a server asks for them or a person opens them.
//!
//! Pure.

use std::path::PathBuf;

use crate::app::composer::Composer;
use crate::app::dialog::{Dialog, Folders, path_of};
use crate::app::effect::AppEffect;
use crate::app::form::{FieldKey, Form};
use crate::app::intent::Choice;
use crate::app::state::{App, Here, Overlay};
use crate::host::{Answer, Command, Root};
use serde_json::{Value, json};

impl App {
    /// The text of the form or of the folders that has the keys.
    pub(super) fn field_input(&mut self) -> Option<&mut Composer> {
        self.ask.free = false;
        match (&mut self.overlay, &mut self.ask.dialog) {
            (Overlay::Folders(folders), _) | (_, Dialog::Folders(folders)) => folders.input(),
            (_, Dialog::Form(form)) => form.input(),
            (_, Dialog::Call | Dialog::Visit(_) | Dialog::Sampling) => None,
        }
    }

    pub(super) fn press_field(&mut self, key: FieldKey) -> Vec<AppEffect> {
        self.ask.free = false;
        let cols = self.chat.measured.field;
        if let Some((folders, _)) = self.folders() {
            folders.press(key);
        } else if let Some(form) = self.form() {
            form.press(key, cols);
        }
        Vec::new()
    }

    /// After every event: what was edited is checked.
    pub(super) fn check_form(&mut self) {
        if let Some((folders, _)) = self.folders() {
            folders.refresh();
        } else if let Some(form) = self.form() {
            form.refresh();
        }
    }

    pub(super) fn has_folders(&self) -> bool {
        matches!(self.overlay, Overlay::Folders(_)) || matches!(self.ask.dialog, Dialog::Folders(_))
    }

    fn form(&mut self) -> Option<&mut Form> {
        match &mut self.ask.dialog {
            Dialog::Form(form) => Some(form),
            Dialog::Call | Dialog::Visit(_) | Dialog::Sampling | Dialog::Folders(_) => None,
        }
    }

    fn folders(&mut self) -> Option<(&mut Folders, &Here)> {
        match (&mut self.overlay, &mut self.ask.dialog) {
            (Overlay::Folders(folders), _) | (_, Dialog::Folders(folders)) => {
                Some((folders, &self.here))
            }
            (_, Dialog::Call | Dialog::Form(_) | Dialog::Visit(_) | Dialog::Sampling) => None,
        }
    }

    /// Sends what is filled in, when it fits.
    pub(super) fn accept_form(&mut self) -> Vec<AppEffect> {
        self.ask.free = false;
        if self.folders().is_some() {
            return self.find_folders();
        }
        match self.form().and_then(Form::accept) {
            Some(value) => self.reply(Answer::Filled { value }),
            None => Vec::new(),
        }
    }

    /// Before servers are told of folders, they are looked for: a slip of the keys would name another.
    fn find_folders(&mut self) -> Vec<AppEffect> {
        let Some((folders, here)) = self.folders() else {
            return Vec::new();
        };
        let Some(roots) = folders.roots(here) else {
            return Vec::new();
        };
        let paths: Vec<PathBuf> = roots.iter().filter_map(path_of).collect();
        vec![AppEffect::FindFolders(paths)]
    }

    /// The terminal has looked for the folders.
    pub(super) fn folders_found(&mut self, missing: &[PathBuf]) -> Vec<AppEffect> {
        let Some((folders, here)) = self.folders() else {
            return Vec::new();
        };
        if !missing.is_empty() {
            folders.missing(missing, here);
            return Vec::new();
        }
        let Some(roots) = folders.roots(here) else {
            return Vec::new();
        };
        if matches!(self.overlay, Overlay::Folders(_)) {
            self.overlay = Overlay::None;
            self.say("Servers that have asked are told of the folders.");
            return self.command(Command::SetRoots(roots));
        }
        let value = roots.iter().map(root).collect();
        self.reply(Answer::Filled { value })
    }

    pub(super) fn open_folders(&mut self) -> Vec<AppEffect> {
        let folders = Folders::open(self.host.roots.as_deref(), &self.here);
        self.overlay = Overlay::Folders(folders);
        Vec::new()
    }

    /// An answer in the list that the person has opened.
    pub(super) fn end_folders(&mut self, choice: Choice) -> Vec<AppEffect> {
        if choice == Choice::Accept {
            return self.accept_form();
        }
        self.overlay = Overlay::None;
        self.say("The folders stay as they were.");
        Vec::new()
    }
}

fn root(root: &Root) -> Value {
    match &root.name {
        Some(name) => json!({"uri": root.uri, "name": name}),
        None => json!({"uri": root.uri}),
    }
}
