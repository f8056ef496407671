//! A configuration that was read again while the host runs: only what changed is touched.
//!
//! Pure. A server whose table says the same goes on as it is; one that is started or reached in another way is closed with all its
//! calls and dialled anew; one for which only rules changed keeps its connection. What was agreed to for a server is forgotten
//! where it is another program or place now.

use crate::agent::transcript::Level;
use crate::config::{Config, ModelSettings, Policy, Provider, ServerSpec};
use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::machine::{configured_roots, no_model};
use crate::host::server::Server;
use crate::host::state::{Host, ModelState, Root};
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::status::Status;

/// What is said of a call whose server was taken away.
const WHY: &str = "the configuration was changed";

/// What of the configuration the host took over last, beside the servers: what is news is told by it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taken {
    model: ModelSettings,
    roots: Option<Vec<Root>>,
    always: Vec<crate::config::AllowRule>,
    warnings: Vec<String>,
}

/// What became of the servers, for the line that says so.
#[derive(Debug, Default)]
struct Told {
    added: Vec<ServerName>,
    removed: Vec<ServerName>,
    restarted: Vec<ServerName>,
    changed: Vec<ServerName>,
    also: Vec<&'static str>,
}

/// What is done about one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes on, under rules that may be new.
    Stays,
    /// It is closed, and dialled by its new table.
    Changes,
}

impl Taken {
    pub(in crate::host) fn of(config: &Config) -> Self {
        Self {
            model: config.model.clone(),
            roots: configured_roots(config),
            always: config.allow.clone(),
            warnings: config.warnings.clone(),
        }
    }
}

impl Host {
    /// Takes over a configuration that was read again. Whoever carries the effects out must know it before.
    pub fn reload(&mut self, config: &Config, now: Moment) -> Vec<Effect> {
        let mut told = Told::default();
        let mut effects = self.reload_servers(config, &mut told, now);
        if self.settings.limits != config.limits {
            self.settings.limits = config.limits.clone();
            told.also.push("limits changed");
        }
        let before = std::mem::replace(&mut self.book.taken, Taken::of(config));
        // What was said in this session and could not be saved stays.
        self.book
            .always
            .retain(|rule| !before.always.contains(rule));
        self.book.always.extend(config.allow.iter().cloned());
        effects.extend(self.reload_roots(&before, &mut told));
        effects.extend(self.reload_model(config, &before, &mut told, now));
        // Before the start nobody has seen what it was.
        if let Some(line) = told.line().filter(|_| self.book.started) {
            self.transcript.note(Level::Info, line, None);
        }
        let known = |warning: &&String| !before.warnings.contains(warning);
        let news: Vec<String> = config.warnings.iter().filter(known).cloned().collect();
        for warning in news {
            self.transcript.note(Level::Warning, warning, None);
        }
        effects
    }

    /// The files have changed and cannot be used: what ran goes on.
    pub fn reload_failed(&mut self, why: &str) {
        let text = format!("The configuration has changed and cannot be used:\n{why}");
        let hint = "what ran goes on; it is read again as soon as it changes";
        self.transcript
            .note(Level::Error, text, Some(hint.to_owned()));
    }

    fn reload_servers(&mut self, config: &Config, told: &mut Told, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut dials = Vec::new();
        let mut next: Vec<(Server, Fate)> = Vec::new();
        let specs = config.servers.iter().cloned().map(Server::new);
        let broken = config.broken.iter().map(Server::broken);
        for mut server in specs.chain(broken) {
            let Some(old) = self.server(&server.name).cloned() else {
                server.generation = self.book.last.remove(&server.name).unwrap_or_default();
                told.added.push(server.name.clone());
                dials.extend(server.starts().then(|| server.name.clone()));
                next.push((server, Fate::Changes));
                continue;
            };
            let fate = fate(&old, &server);
            let done = match fate {
                Fate::Stays => self.ruled_anew(&old, &server, told, &mut dials, now),
                Fate::Changes => self.replaced(&old, &mut server, told, &mut dials, now),
            };
            effects.extend(done);
            next.push((server, fate));
        }
        effects.extend(self.remove_others(&next, told, now));
        self.servers = next
            .into_iter()
            .map(|(new, fate)| self.renewed(new, fate))
            .collect();
        self.rename_tools();
        if self.book.started {
            for name in dials {
                // There is no connection yet, or the one before is closed already.
                if let Some(server) = self.server_mut(&name) {
                    server.status = Status::Disabled;
                }
                effects.extend(self.restart(&name, now));
            }
            effects.extend(self.gathered_if_settled(now));
        }
        effects
    }

    /// A server goes on; it may be switched on or off.
    fn ruled_anew(
        &mut self,
        old: &Server,
        new: &Server,
        told: &mut Told,
        dials: &mut Vec<ServerName>,
        now: Moment,
    ) -> Vec<Effect> {
        match (told.note_rules(old, new), new.starts()) {
            (true, true) => dials.push(new.name.clone()),
            (true, false) => return self.disable(&new.name, now),
            (false, _) => {}
        }
        Vec::new()
    }

    /// A server is closed, and another one of its name takes its place.
    fn replaced(
        &mut self,
        old: &Server,
        new: &mut Server,
        told: &mut Told,
        dials: &mut Vec<ServerName>,
        now: Moment,
    ) -> Vec<Effect> {
        told.restarted.push(new.name.clone());
        let mut effects = self.take_down(&new.name, now);
        self.forget(old, new.spec.as_ref(), &mut effects);
        new.generation = old.generation;
        new.restarts = old.restarts;
        // One that the person has switched off stays off.
        if old.is_switched_off() && new.starts() {
            new.status = Status::Disabled;
        }
        dials.extend(new.starts().then(|| new.name.clone()));
        effects
    }

    /// A server as it stands after the change. One that stays is taken as it is now: its place in the turn may have moved.
    fn renewed(&self, new: Server, fate: Fate) -> Server {
        match (fate, self.server(&new.name)) {
            (Fate::Stays, Some(old)) => Server {
                spec: new.spec,
                required: new.required,
                ..old.clone()
            },
            _ => new,
        }
    }

    fn remove_others(
        &mut self,
        next: &[(Server, Fate)],
        told: &mut Told,
        now: Moment,
    ) -> Vec<Effect> {
        let is_gone = |old: &&Server| next.iter().all(|(new, _)| new.name != old.name);
        let gone: Vec<Server> = self.servers.iter().filter(is_gone).cloned().collect();
        let mut effects = Vec::new();
        for old in gone {
            effects.extend(self.take_down(&old.name, now));
            self.forget(&old, None, &mut effects);
            // A later server of this name must not be taken for this one.
            self.book.last.insert(old.name.clone(), old.generation);
            told.removed.push(old.name);
        }
        effects
    }

    /// Closes a server and ends all its calls, those that wait for an answer among them: what was asked was about this server.
    fn take_down(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(generation) = self.server(name).map(|server| server.generation) else {
            return Vec::new();
        };
        let mut effects = self.disable(name, now);
        effects.extend(self.lose_calls(name, generation, WHY, now));
        let waits = |call: &&crate::host::call::ToolCall| {
            let waits = matches!(
                call.state,
                CallState::Asking { .. } | CallState::Queued { .. }
            );
            waits && call.server.as_ref() == Some(name)
        };
        let waiting: Vec<CallId> = self
            .calls
            .iter()
            .filter(waits)
            .map(|call| call.id)
            .collect();
        self.questions
            .retain(|asked| asked.call().is_none_or(|call| !waiting.contains(&call)));
        for call in waiting {
            let why = format!("server `{name}` was taken away: {WHY}");
            effects.extend(self.finish(call, CallEnd::Unavailable { why }, now));
        }
        effects.extend(self.give_up_tasks(name, now));
        effects
    }

    /// What is remembered of a server that is gone or is another one now.
    fn forget(&mut self, old: &Server, new: Option<&ServerSpec>, effects: &mut Vec<Effect>) {
        self.forget_results(&old.name);
        let (name, book) = (&old.name, &mut self.book);
        book.limiters.remove(name);
        book.lifecycles.remove(name);
        book.probes.remove(name);
        book.unlisted.remove(name);
        book.listed.retain(|(of, _), _| of != name);
        book.asked_roots.retain(|(of, _)| of != name);
        book.warned.retain(|(of, _)| of != name);
        book.mismatched.retain(|(of, _)| of != name);
        let launch = old.spec.as_ref().map(|spec| &spec.launch);
        if new.map(|spec| &spec.launch) == launch {
            return;
        }
        book.eras.remove(name);
        book.session.retain(|(of, _)| of != name);
        book.writes_for.remove(name);
        book.roots.remove(name);
        if self.sign_ins.remove(name).is_some() {
            effects.push(Effect::AbortSignIn {
                server: name.clone(),
            });
        }
    }

    fn reload_roots(&mut self, before: &Taken, told: &mut Told) -> Vec<Effect> {
        let roots = self.book.taken.roots.clone();
        // What the command line names wins, today as at the start.
        if roots == before.roots || self.settings.roots.is_some() {
            return Vec::new();
        }
        told.also.push("folders changed");
        match roots {
            Some(roots) => self.set_roots(roots),
            None => {
                self.roots = None;
                Vec::new()
            }
        }
    }

    fn reload_model(
        &mut self,
        config: &Config,
        before: &Taken,
        told: &mut Told,
        now: Moment,
    ) -> Vec<Effect> {
        if config.model == before.model {
            return Vec::new();
        }
        self.settings.mode = config.model.mode;
        if config.model.provider == Provider::None {
            self.model = no_model();
            told.also.push("the model is switched off");
            return Vec::new();
        }
        told.also.push("the model is looked for anew");
        if !self.book.started {
            self.model = ModelState::Searching { since: now };
            return Vec::new();
        }
        // A turn that runs goes on: its next request goes to the model that is found.
        if !self.is_busy() {
            self.model = ModelState::Searching { since: now };
        }
        vec![Effect::FindModel]
    }
}

impl Server {
    /// Whether it is to be dialled as it stands.
    fn starts(&self) -> bool {
        matches!(self.status, Status::Starting { .. })
    }

    /// Whether the person has switched it off, against its table.
    fn is_switched_off(&self) -> bool {
        let wanted = self.spec.as_ref().is_some_and(|spec| spec.enabled);
        wanted && matches!(self.status, Status::Disabled)
    }
}

impl Told {
    /// Notes that only rules have changed; gives whether the server is to be switched on or off.
    fn note_rules(&mut self, old: &Server, new: &Server) -> bool {
        if old.spec != new.spec {
            self.changed.push(new.name.clone());
        }
        let enabled = |server: &Server| server.spec.as_ref().map(|spec| spec.enabled);
        enabled(old) != enabled(new)
    }

    /// One line; absent where nothing was done that a person would look for.
    fn line(&self) -> Option<String> {
        let lists = [
            ("added", &self.added),
            ("removed", &self.removed),
            ("started anew", &self.restarted),
            ("new rules for", &self.changed),
        ];
        let list = |(word, names): &(&str, &Vec<ServerName>)| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
        };
        let mut parts: Vec<String> = lists.iter().filter_map(list).collect();
        parts.extend(self.also.iter().map(|also| (*also).to_owned()));
        let said = parts.join("; ");
        (!said.is_empty()).then(|| format!("The configuration was read again: {said}"))
    }
}

/// A server keeps its connection where its table says the same but for rules that are looked up anew with each call.
fn fate(old: &Server, new: &Server) -> Fate {
    let stays = match (&old.spec, &new.spec) {
        (Some(old), Some(new)) => {
            let ruled = ServerSpec {
                enabled: new.enabled,
                required: new.required,
                tool_timeout: new.tool_timeout,
                approve: new.approve,
                tool_approve: new.tool_approve.clone(),
                policy: Box::new(Policy {
                    confine: old.policy.confine.clone(),
                    ..(*new.policy).clone()
                }),
                ..old.clone()
            };
            ruled == *new
        }
        (None, None) => old.status == new.status,
        (Some(_), None) | (None, Some(_)) => false,
    };
    match stays {
        true => Fate::Stays,
        false => Fate::Changes,
    }
}
