//! What a server wants our model to write: the limits, the system prompt, the messages and the tools, all of it.
//!
//! Pure.

use super::{Desk, Sheet, blank};
use crate::app::Context;
use crate::host::ModelState;
use crate::mcp::ask::Sampling;
use crate::text::{clean, human};
use crate::view::entry::Part;

impl Desk<'_> {
    pub(super) fn sampling(&mut self, of: &Sampling, server: &str) -> Sheet {
        let mut parts = vec![self.said(&self.who_writes()), self.said(&limits(of))];
        if let Some(context) = of.context.as_deref().filter(|context| *context != "none") {
            parts.push(self.said(&format!(
                "It would like to see more of our conversations ({}): it is given none of them.",
                clean::line(context)
            )));
        }
        if let Some(system) = &of.system {
            parts.extend(self.section("System prompt", system));
        }
        for message in &of.messages {
            let role = clean::line(&message.role);
            let texts: Vec<String> = message
                .content
                .iter()
                .map(|block| block.as_text())
                .collect();
            parts.extend(self.section(&role, &texts.join("\n")));
        }
        if !of.tools.is_empty() {
            let choice = of.tool_choice.as_deref().unwrap_or("auto");
            let title = format!(
                "Tools that the model may ask {server} to run · {} · {}",
                of.tools.len(),
                clean::line(choice)
            );
            let tools: Vec<String> = of
                .tools
                .iter()
                .map(|tool| match &tool.description {
                    Some(words) => format!("{}: {words}", tool.name),
                    None => tool.name.clone(),
                })
                .collect();
            parts.extend(self.section(&title, &tools.join("\n")));
        }
        let foot = self.answers(Context::Sampling, self.app.ask.dialog.choices());
        let title = format!("{server} asks your model to write");
        Sheet::new(title, parts, foot)
    }

    fn section(&mut self, title: &str, text: &str) -> [Part; 3] {
        [blank(), self.heading(title), self.quoted(text)]
    }

    fn who_writes(&self) -> String {
        match &self.app.host.model {
            ModelState::Ready { label } => format!(
                "{} would write, at your cost; the server gets what it wrote.",
                clean::line(&label.model)
            ),
            ModelState::Searching { .. } | ModelState::Absent { .. } => {
                "There is no model here now that could write it.".to_owned()
            }
        }
    }
}

/// How much, and how.
fn limits(of: &Sampling) -> String {
    let mut words = vec![format!("at most {} tokens", human::count(of.max_tokens))];
    words.extend(of.temperature.map(|degree| format!("temperature {degree}")));
    if !of.stop.is_empty() {
        let stops: Vec<String> = of.stop.iter().map(|text| format!("{text:?}")).collect();
        words.push(format!("ends at {}", clean::line(&stops.join(", "))));
    }
    if !of.models.is_empty() {
        let models = clean::line(&of.models.join(", "));
        words.push(format!("it would like {models}"));
    }
    words.join(" · ")
}
