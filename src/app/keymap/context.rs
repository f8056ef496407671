//! Who gets a key: the pane with the focus, or what lies on top of it.
//!
//! Pure.

/// Who gets a key: what lies on top, else the question, else the pane with the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The chat and its input.
    Chat,
    /// The list of calls.
    Calls,
    /// The list of servers.
    Servers,
    /// The question dialog.
    Question,
    /// The reason for a no, while it is typed.
    Reason,
    /// A text field of a form, or a line of the folders.
    Form,
    /// A field of a form in which one chooses.
    Pick,
    /// An address that a server wants visited.
    Visit,
    /// What a server wants our model to write.
    Sampling,
    /// A sign-in.
    SignIn,
    /// The question whether a folder's file may run.
    Trust,
    /// The command palette.
    Palette,
    /// The chat's input with completions on show. What is not said for it is as in the chat.
    Completing,
    /// The form for a prompt or a resource template.
    Fields,
    /// All about one call or server.
    Detail,
    /// The inspector's overview of a server.
    Overview,
    /// What a server offers, in the inspector.
    Offers,
    /// What is searched for there.
    OffersSearch,
    /// The form for a call there.
    CallForm,
    /// The wire, in the inspector.
    Wire,
    /// What is written there: a filter, a search, a frame.
    WireFilter,
    /// One call on a line of time.
    Follow,
    /// The protocol lab.
    Lab,
    /// The help.
    Help,
}

impl Context {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 24] = [
        Self::Chat,
        Self::Calls,
        Self::Servers,
        Self::Question,
        Self::Reason,
        Self::Form,
        Self::Pick,
        Self::Visit,
        Self::Sampling,
        Self::SignIn,
        Self::Trust,
        Self::Palette,
        Self::Completing,
        Self::Fields,
        Self::Detail,
        Self::Overview,
        Self::Offers,
        Self::OffersSearch,
        Self::CallForm,
        Self::Wire,
        Self::WireFilter,
        Self::Follow,
        Self::Lab,
        Self::Help,
    ];

    /// Its heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Calls => "Tool calls",
            Self::Servers => "Servers",
            Self::Question => "Question",
            Self::Reason => "Reason for a no",
            Self::Form => "A server's form, or the folders",
            Self::Pick => "A server's form, at a choice",
            Self::Visit => "An address of a server",
            Self::Sampling => "A server asks the model",
            Self::SignIn => "Sign-in",
            Self::Trust => "A folder's mcp.toml",
            Self::Palette => "Command palette",
            Self::Completing => "Completions in the input",
            Self::Fields => "Form",
            Self::Detail => "Details",
            Self::Overview => "Inspector: overview",
            Self::Offers => "Inspector: tools, resources, prompts",
            Self::OffersSearch => "Inspector: search",
            Self::CallForm => "Inspector: form of a call",
            Self::Wire => "Inspector: wire",
            Self::WireFilter => "Inspector: filter, search or frame of the wire",
            Self::Follow => "Inspector: follow a call",
            Self::Lab => "Inspector: protocol lab",
            Self::Help => "Help",
        }
    }

    /// Whether a key that is not in the table types a character here.
    pub fn types(self) -> bool {
        matches!(
            self,
            Self::Chat
                | Self::Completing
                | Self::Fields
                | Self::Reason
                | Self::Palette
                | Self::Form
                | Self::SignIn
                | Self::OffersSearch
                | Self::CallForm
                | Self::WireFilter
        )
    }

    /// Whether the first question has the keys.
    pub fn asks(self) -> bool {
        matches!(
            self,
            Self::Question | Self::Reason | Self::Form | Self::Pick | Self::Visit | Self::Sampling
        )
    }
}
