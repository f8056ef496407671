//! Keys in a sign-in, and what follows from how far the host says it is.
//!
//! Pure. An address is opened only when the person says so.

use super::chat::for_clipboard;
use crate::app::composer::Composer;
use crate::app::dialog::{Address, SignIn};
use crate::app::effect::AppEffect;
use crate::app::intent::SignKey;
use crate::app::state::{App, Overlay};
use crate::host::{Command, SignInState};
use crate::ids::ServerName;

impl App {
    /// The address that is being pasted.
    pub(super) fn redirect(&mut self) -> Option<&mut Composer> {
        match &mut self.overlay {
            Overlay::SignIn(sign_in) => Some(&mut sign_in.redirect),
            Overlay::None
            | Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Detail { .. }
            | Overlay::Fields(_)
            | Overlay::Folders(_) => None,
        }
    }

    /// The server in view, where a sign-in is what it wants.
    pub(super) fn server_to_sign_in_at(&self) -> Option<ServerName> {
        let server = self.host.server(&self.server_in_view()?)?;
        server.status.needs_sign_in().then(|| server.name.clone())
    }

    /// Begins a sign-in, or shows the one that is under way.
    pub(super) fn begin_sign_in(&mut self, named: Option<ServerName>) -> Vec<AppEffect> {
        let Some(server) = named.or_else(|| self.server_to_sign_in_at()) else {
            self.say("This server does not ask for a sign-in.");
            return Vec::new();
        };
        self.overlay = Overlay::SignIn(Box::new(SignIn::at(server.clone())));
        match self.host.sign_ins.get(&server) {
            Some(SignInState::Starting | SignInState::Visit { .. }) => Vec::new(),
            Some(SignInState::Failed { .. }) | None => self.command(Command::SignIn(server)),
        }
    }

    /// A sign-in that the host no longer knows has come about: the server is dialled anew.
    pub(super) fn follow_sign_in(&mut self) {
        let Overlay::SignIn(sign_in) = &self.overlay else {
            return;
        };
        if !self.host.sign_ins.contains_key(&sign_in.server) {
            let word = format!("Signed in at {}.", sign_in.server);
            self.overlay = Overlay::None;
            self.say(word);
        }
    }

    pub(super) fn sign(&mut self, key: SignKey) -> Vec<AppEffect> {
        let Overlay::SignIn(sign_in) = &mut self.overlay else {
            return Vec::new();
        };
        let server = sign_in.server.clone();
        let state = self.host.sign_ins.get(&server);
        match (key, state) {
            (SignKey::Abort, _) => {
                self.overlay = Overlay::None;
                self.say(format!("The sign-in at {server} was given up."));
                self.command(Command::AbortSignIn(server))
            }
            (SignKey::Open, Some(SignInState::Visit { url, .. })) => {
                let address = Address::read(url);
                if address.opens {
                    return vec![AppEffect::Open(address.shown)];
                }
                self.complain("That is no address of a web page: it is not opened.");
                Vec::new()
            }
            (SignKey::Copy, Some(SignInState::Visit { url, .. })) => {
                vec![AppEffect::Copy(for_clipboard(&Address::read(url).shown))]
            }
            (SignKey::Go, Some(SignInState::Visit { .. })) => {
                let redirect = sign_in.redirect();
                if redirect.is_empty() {
                    sign_in.note = Some("Paste the address that the browser ended at.".to_owned());
                    return Vec::new();
                }
                sign_in.note = Some("The address is being looked at.".to_owned());
                sign_in.redirect.set("");
                self.command(Command::FinishSignIn { server, redirect })
            }
            (SignKey::Go, Some(SignInState::Failed { .. })) => {
                sign_in.note = None;
                self.command(Command::SignIn(server))
            }
            (SignKey::Open | SignKey::Copy | SignKey::Go, _) => Vec::new(),
        }
    }
}

impl SignIn {
    /// What came of handing its address to the browser.
    pub(super) fn opened(&mut self, url: &str, outcome: Result<(), String>) -> Vec<AppEffect> {
        match outcome {
            Ok(()) => {
                self.note = Some("Opened in the browser.".to_owned());
                Vec::new()
            }
            Err(why) => {
                self.note = Some(format!(
                    "It could not be opened here ({why}). It was copied: open it where there is a browser."
                ));
                vec![AppEffect::Copy(url.to_owned())]
            }
        }
    }
}
