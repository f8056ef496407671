//! What a person does about a call of which nobody knows whether it has run: look, or send it again.
//!
//! Pure. A look is only written into the input, for the person to send; a repeat takes the key twice.

use std::time::Duration;

use crate::app::effect::AppEffect;
use crate::app::state::App;
use crate::host::{Command, ToolCall};

/// A second press within this time sends it.
const AGAIN: Duration = Duration::from_secs(4);

impl App {
    /// The call in view, where its outcome is unknown.
    pub(super) fn unknown_in_view(&self) -> Option<&ToolCall> {
        let call = self.call_in_view()?;
        self.host.is_unknown(call).then_some(call)
    }

    /// Writes a look at what the call may have done into the input: a tool that only reads, else a question to the model.
    pub(super) fn look_after_call(&mut self) -> Vec<AppEffect> {
        let Some(call) = self.unknown_in_view() else {
            self.say("What became of this call is known.");
            return Vec::new();
        };
        let look = self.host.check_of(call);
        let text = match (&call.server, look) {
            (Some(server), Some(look)) => {
                format!("/call {server} {} {}", look.tool, look.arguments)
            }
            _ => self.host.question_after(call),
        };
        let effects = self.compose(&text);
        self.say("Read it, change it, then send it with Enter.");
        effects
    }

    /// Sends the call once more, by the person's own decision: the key is pressed twice.
    pub(super) fn repeat_call(&mut self) -> Vec<AppEffect> {
        let Some(call) = self.unknown_in_view() else {
            self.say("Only a call whose outcome is unknown is sent again from here.");
            return Vec::new();
        };
        let (id, title) = (call.id, call.title());
        let (server, tool, arguments) = (
            call.server.clone(),
            call.tool.clone(),
            call.arguments.clone(),
        );
        let is_sure = self
            .calls
            .again
            .is_some_and(|(of, until)| of == id && self.now <= until);
        if !is_sure {
            self.calls.again = Some((id, self.now.plus(AGAIN)));
            self.complain(format!(
                "{title} may have run already. Press again to send it a second time."
            ));
            return Vec::new();
        }
        self.calls.again = None;
        let Some(server) = server else {
            return Vec::new();
        };
        self.say(format!("{title}: sent again."));
        self.command(Command::Call {
            server,
            tool,
            arguments,
        })
    }
}
