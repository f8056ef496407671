//! What a server that is ready again is told anew: the level of its log, the subscriptions; and what is remembered of it.
//!
//! Pure. Tasks of calls go on being followed; nothing that may have run is sent again.

use crate::agent::transcript::Level;
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::state::{Host, RememberedEra};
use crate::ids::{Moment, ServerName};
use crate::mcp::request::Errand;
use crate::mcp::status::Era;
use crate::mcp::tool::Tool;
use crate::text::nearest;

impl Host {
    /// A server has become ready.
    pub(super) fn restore(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server(name) else {
            return Vec::new();
        };
        let Some(hello) = &server.hello else {
            return Vec::new();
        };
        let era = hello.era;
        // A server without the capability may refuse it; in the newer era the level goes along with the requests.
        let logs = era == Era::Modern || hello.capabilities.get("logging").is_some();
        let level = server.log_level.clone().filter(|_| logs);
        let mut wanted: Vec<Errand> = Vec::new();
        wanted.extend(level.map(|level| Errand::SetLogLevel { level }));
        let uris = server.subscriptions.keys().cloned();
        wanted.extend(uris.map(|uri| Errand::Subscribe { uri }));
        let mut effects = self.remember_era(name, era);
        for what in wanted {
            effects.extend(self.errand(name, what));
        }
        effects.extend(self.follow_tasks(name, now));
        effects
    }

    fn remember_era(&mut self, name: &ServerName, era: Era) -> Vec<Effect> {
        if self.book.eras.insert(name.clone(), era) == Some(era) {
            return Vec::new();
        }
        let spec = self.server(name).and_then(|server| server.spec.as_ref());
        let (Some(path), Some(spec)) = (self.settings.eras_file.clone(), spec) else {
            return Vec::new();
        };
        let remembered = RememberedEra::of(&spec.launch, era);
        vec![Effect::Keep(Keep::Era {
            path,
            server: name.clone(),
            remembered,
        })]
    }

    /// A name in the configuration that no tool of the server has is a slip: the tool that was meant is let through, or kept out.
    pub(super) fn warn_of_names(&mut self, name: &ServerName, tools: &[Tool]) {
        let Some(spec) = self.server(name).and_then(|server| server.spec.as_ref()) else {
            return;
        };
        let has = |tool: &str| tools.iter().any(|known| known.name == tool);
        let enabled = spec.enabled_tools.iter().flatten();
        let enabled = enabled.map(|tool| ("enabled_tools", tool.clone()));
        let disabled = spec.disabled_tools.iter();
        let disabled = disabled.map(|tool| ("disabled_tools", tool.clone()));
        let unknown: Vec<_> = enabled
            .chain(disabled)
            .filter(|(_, tool)| !has(tool))
            .collect();
        for (key, tool) in unknown {
            if !self.book.warned.insert((name.clone(), tool.clone())) {
                continue;
            }
            let near = nearest(&tool, tools.iter().map(|known| known.name.as_str()));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let text = format!("Server `{name}` has no tool `{tool}`, which `{key}` names");
            self.transcript.note(Level::Warning, text, hint);
        }
    }
}
