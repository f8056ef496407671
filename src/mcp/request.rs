//! What is asked of a server: a call that people and models see, and the small errands of a front end.
//!
//! Plain data. A call is kept, shown, approved and reported; an errand is answered and forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `tools/call`: `tool` is the tool's name, the arguments are its arguments.
    #[default]
    Tool,
    /// `resources/read`: `tool` is the URI, the arguments are `{"uri": ...}`.
    Resource,
    /// `prompts/get`: `tool` is the prompt's name, the arguments are its arguments, all of them texts.
    Prompt,
}

/// One of a server's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// `tools/list`.
    Tools,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
    /// `prompts/list`.
    Prompts,
}

/// A small request of a front end, which no person has to approve and no model sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "snake_case")]
pub enum Errand {
    /// `completion/complete`: what could stand here.
    Complete {
        /// For what.
        of: Reference,
        /// The argument's name.
        argument: String,
        /// What is written so far.
        value: String,
        /// The other arguments, as far as they are known.
        context: BTreeMap<String, String>,
    },
    /// `tools/call` of one of our own servers, by which a person sees what another call would do. Changes nothing.
    Preview {
        /// The tool.
        tool: String,
        /// The arguments, a JSON object.
        arguments: String,
    },
    /// A frame of the person's own hand, sent as it stands whatever it means; done when it is on its way. Its answer is seen on the
    /// wire and by nobody else.
    Raw {
        /// One line of JSON.
        frame: String,
    },
    /// Asks to be told when a resource changes: `resources/subscribe`, or `subscriptions/listen` in the era of that.
    Subscribe {
        /// Which.
        uri: String,
    },
    /// Asks no longer.
    Unsubscribe {
        /// Which.
        uri: String,
    },
    /// `logging/setLevel`; in the era without it, the level goes along with each request.
    SetLogLevel {
        /// `debug` to `emergency`.
        level: String,
    },
}

/// What is completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Reference {
    /// An argument of a prompt.
    Prompt {
        /// The prompt's name.
        name: String,
    },
    /// A variable of a resource template.
    Template {
        /// The URI template.
        uri_template: String,
    },
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum ErrandEnd {
    /// The values that could stand there.
    Completed {
        /// The values, the server's best first; at most 100.
        values: Vec<String>,
        /// How many there are in all, where it says so.
        total: Option<u64>,
        /// Whether there are more.
        more: bool,
    },
    /// What a call would do.
    Previewed {
        /// Whether the tool says that it failed.
        is_error: bool,
        /// Its words.
        text: String,
        /// Its structured answer.
        data: serde_json::Value,
    },
    /// Done; there is nothing to tell.
    Done,
    /// It did not come about.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

impl Method {
    /// The protocol's name of the method.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Tool => "tools/call",
            Self::Resource => "resources/read",
            Self::Prompt => "prompts/get",
        }
    }
}

impl ListKind {
    /// All of them, in the order in which they are asked for.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Resources, Self::Templates, Self::Prompts];

    /// The protocol's name of the method.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Prompts => "prompts/list",
        }
    }

    /// The key of the list in the answer.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }

    /// One thing of the list, in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Resources => "resource",
            Self::Templates => "template",
            Self::Prompts => "prompt",
        }
    }

    /// The capability under which a server announces it.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources | Self::Templates => "resources",
            Self::Prompts => "prompts",
        }
    }
}
