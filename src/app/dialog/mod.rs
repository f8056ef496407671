//! What the dialogs hold in which a person answers a server or signs in: a form, an address, a list of folders.
//!
//! Pure state; `update` changes it, the view draws it. Whatever a server wrote is raw in here.

mod address;
mod folders;
mod sign_in;
mod trust;

use crate::app::form::Form;
use crate::app::intent::Choice;
use crate::app::state::Here;

use crate::host::{About, Question, Root};
use crate::ids::{CallId, ServerName};
use crate::mcp::ask::Ask;

pub use address::Address;
pub use folders::{Folders, Row, path_of};
pub use sign_in::SignIn;
pub use trust::Trusting;

/// What the first question's dialog holds.
#[derive(Debug, Clone, Default)]
pub enum Dialog {
    /// May this call run? It holds nothing.
    #[default]
    Call,
    /// A form of a server.
    Form(Box<Form>),
    /// An address that a server wants visited.
    Visit(Visit),
    /// A server wants our model to write. It holds nothing.
    Sampling,
    /// A server asks for folders.
    Folders(Folders),
}

/// An address that a server wants visited, and what was done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The address, taken apart.
    pub address: Address,
    /// It was handed to the browser, and whether that went well is not known yet.
    pub opening: bool,
    /// Why it could not be opened here.
    pub failed: Option<String>,
}

/// A visit that was agreed to: the server may say when it is done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The server.
    pub server: ServerName,
    /// Its name for the question.
    pub id: String,
    /// Where the person was sent.
    pub host: String,
    /// The call that waited for it: once that has ended, its end says more than the wait.
    pub call: Option<CallId>,
}

impl Dialog {
    /// The dialog for a question.
    pub fn of(question: &Question, roots: Option<&[Root]>, here: &Here) -> Self {
        let About::Server { what, .. } = &question.about else {
            return Self::Call;
        };
        match what {
            Ask::Form { schema, .. } => Self::Form(Box::new(Form::new(schema))),
            Ask::Url { url, .. } => Self::Visit(Visit {
                address: Address::read(url),
                opening: false,
                failed: None,
            }),
            Ask::Sampling(_) => Self::Sampling,
            Ask::Roots => Self::Folders(Folders::open(roots, here)),
        }
    }

    /// The answers that there are, in the order in which they stand there.
    pub fn choices(&self) -> &'static [Choice] {
        match self {
            Self::Call => &Choice::ALL,
            Self::Form(form) if form.fields.is_empty() && form.complaint.is_some() => {
                &[Choice::No, Choice::Dismiss]
            }
            Self::Form(_) | Self::Folders(_) => &[Choice::Accept, Choice::No, Choice::Dismiss],
            Self::Visit(visit) if visit.address.opens => &[
                Choice::Open,
                Choice::Copy,
                Choice::Elsewhere,
                Choice::No,
                Choice::Dismiss,
            ],
            // What no browser opens can only be looked at.
            Self::Visit(_) => &[Choice::No, Choice::Copy, Choice::Dismiss],
            Self::Sampling => &[Choice::Once, Choice::Session, Choice::No, Choice::Dismiss],
        }
    }
}
