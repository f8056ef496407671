//! Sign-ins at servers: begun by the person, carried out by the driver, followed by a new dial.
//!
//! Pure. It knows addresses and outcomes; tokens never come here.

use crate::host::effect::Effect;
use crate::host::event::SignInEvent;
use crate::host::state::{Host, SignInState};
use crate::ids::{Moment, ServerName};
use crate::mcp::status::Status;

impl Host {
    /// The person wants to sign in.
    pub(in crate::host) fn sign_in(&mut self, server: ServerName) -> Vec<Effect> {
        if self.server(&server).is_none() {
            return Vec::new();
        }
        self.sign_ins.insert(server.clone(), SignInState::Starting);
        vec![Effect::SignIn { server }]
    }

    /// The person has the address that the browser ended at, perhaps of a sign-in that another run of the program began.
    pub(in crate::host) fn finish_sign_in(
        &mut self,
        server: ServerName,
        redirect: String,
    ) -> Vec<Effect> {
        if self.server(&server).is_none() {
            return Vec::new();
        }
        self.sign_ins.insert(server.clone(), SignInState::Starting);
        vec![Effect::FinishSignIn { server, redirect }]
    }

    /// The person wants what is kept of a sign-in forgotten.
    pub(in crate::host) fn sign_out(&mut self, server: ServerName) -> Vec<Effect> {
        if self.server(&server).is_none() {
            return Vec::new();
        }
        self.sign_ins.insert(server.clone(), SignInState::Starting);
        vec![Effect::SignOut { server }]
    }

    /// The driver reports how far a sign-in is.
    pub(in crate::host) fn sign_in_event(
        &mut self,
        server: &ServerName,
        event: SignInEvent,
        now: Moment,
    ) -> Vec<Effect> {
        // One that was given up meanwhile has nothing more to say.
        let is_awaited = self.sign_ins.contains_key(server);
        match event {
            SignInEvent::Visit { .. } | SignInEvent::Failed { .. } if !is_awaited => Vec::new(),
            SignInEvent::Visit { url, comes_back } => {
                let state = SignInState::Visit { url, comes_back };
                self.sign_ins.insert(server.clone(), state);
                Vec::new()
            }
            SignInEvent::Failed { why } => {
                let state = SignInState::Failed { why };
                self.sign_ins.insert(server.clone(), state);
                Vec::new()
            }
            SignInEvent::Done | SignInEvent::SignedOut => {
                self.sign_ins.remove(server);
                let mut effects = self.principal_changed(server);
                let status = self.server(server).map(|server| &server.status);
                match (&event, status) {
                    // Nobody wants it on because nobody is signed in there any more.
                    (SignInEvent::SignedOut, Some(Status::Disabled)) => {}
                    _ => effects.extend(self.restart(server, now)),
                }
                effects
            }
        }
    }
}
