//! Whether a call may run, must be asked for, or is refused.
//!
//! Pure. Keyed on (server, tool), never on the joined name. A server's own annotations are hints: only a bundled server's word on
//! what is a read is believed.

use crate::config::ApprovePolicy;
use crate::host::call::{Ruler, Ruling, ToolCall};
use crate::host::server::Server;
use crate::host::state::Host;
use crate::mcp::request::Method;

/// What is decided about a call before anyone is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It runs: whose word that is.
    Allow(Ruling),
    /// The person is asked, for this reason.
    Ask(String),
    /// Nobody can be asked; the words are for the model.
    Refuse(String),
}

impl Host {
    /// Decides about a call of this tool by the model.
    pub(super) fn decide(&self, server: &Server, call: &ToolCall) -> Decision {
        let key = call.approval_key();
        let policy = server
            .spec
            .as_ref()
            .map_or(ApprovePolicy::Always, |spec| spec.approve_for(&key));
        if policy == ApprovePolicy::Never {
            return allow(Ruler::Policy, "approve = \"never\"");
        }
        if let Some(why) = self.rule_for(server, &key) {
            return allow(Ruler::Rule, why);
        }
        if let Some(glob) = self.flag_for(server, call) {
            return allow(Ruler::Flag, &format!("--approve {glob}"));
        }
        let is_read = match call.method {
            Method::Tool => server
                .tool(&call.tool)
                .is_some_and(|tool| tool.annotations.read_only == Some(true)),
            Method::Resource | Method::Prompt => true,
        };
        if policy == ApprovePolicy::Writes && is_read && server.is_bundled() {
            return allow(Ruler::Policy, "a read of a bundled server");
        }
        if self.settings.headless {
            return Decision::Refuse(format!(
                "it needs approval and there is no terminal to ask on; the person can allow it with --approve {}.{key}",
                server.name
            ));
        }
        Decision::Ask(reason(policy, server, call.method))
    }

    /// The earlier answer of the person that covers this tool.
    fn rule_for(&self, server: &Server, tool: &str) -> Option<&'static str> {
        let session = (server.name.clone(), tool.to_owned());
        if self.book.session.contains(&session) {
            return Some("allowed for this session");
        }
        let launch = server.spec.as_ref()?.launch.identity();
        let fits = |rule: &crate::config::AllowRule| {
            rule.server == server.name && rule.tool == tool && rule.launch == launch
        };
        self.book
            .always
            .iter()
            .any(fits)
            .then_some("always allowed")
    }

    fn flag_for(&self, server: &Server, call: &ToolCall) -> Option<&String> {
        let title = format!("{}.{}", server.name, call.approval_key());
        let fits = |glob: &String| {
            globset::Glob::new(glob).is_ok_and(|glob| glob.compile_matcher().is_match(&title))
        };
        self.settings.approve.iter().find(|glob| fits(glob))
    }
}

fn allow(by: Ruler, why: &str) -> Decision {
    let why = why.to_owned();
    Decision::Allow(Ruling { by, why })
}

// What the server says of the tool stands in the question on a line of its own.
fn reason(policy: ApprovePolicy, server: &Server, method: Method) -> String {
    let why = match (policy, server.is_bundled(), method) {
        (ApprovePolicy::Always, _, Method::Tool) => "every call of this tool asks",
        (_, true, Method::Tool) => "it changes something",
        (_, false, Method::Tool) => "it may change something",
        (_, _, Method::Resource) => "the model wants to read a resource of this server",
        (_, _, Method::Prompt) => "the model wants to get a prompt of this server",
    };
    why.to_owned()
}
