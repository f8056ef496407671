//! The filesystem server: reads and changes files below given folders, and nothing outside them.
//!
//! Every path is resolved by the kernel beneath a handle of its root (`roots`), so neither `..` nor a link nor a rename in
//! between leads out. Changes are atomic and what they replace or remove goes to a trash (`trash`). Names of tools and arguments
//! are those of `@modelcontextprotocol/server-filesystem` where both have the tool. Started by `cli::serve`.

mod change;
mod delete;
mod diff;
mod edit;
mod glob;
mod grep;
mod kinds;
mod list;
mod many;
mod media;
mod names;
mod outline;
mod read;
mod reading;
mod roots;
mod search;
mod stat;
mod text;
mod trash;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::servers::toolbox::{Effect, Sign, Toolbox};
use crate::servers::{self, Access, ServeError, Serving};

use roots::Roots;
use trash::Trash;

/// What the tools work on. A clone works on the same files, in its own folders.
#[derive(Clone)]
struct Files {
    roots: Roots,
    trash: Arc<Trash>,
    /// Held by each tool that changes something, so that an edit reads what it replaces.
    changing: Arc<Mutex<()>>,
}

impl Files {
    /// The same with no more than what lies beneath the client's roots.
    fn narrowed(&self, uris: &[String]) -> Self {
        Self {
            roots: self.roots.narrowed(uris),
            ..self.clone()
        }
    }

    /// Waits for its turn to change something. A panic in an earlier change broke no state of ours.
    fn change(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Serves the folders on stdin and stdout until the client leaves.
///
/// # Errors
/// A root that is no readable folder, or a client that breaks the protocol.
pub async fn serve(
    roots: Vec<PathBuf>,
    access: Access,
    serving: Serving,
) -> Result<(), ServeError> {
    let trash = Trash::from_environment();
    let roots = Roots::open(&roots, trash.place())?;
    let instructions = instructions(&roots, access);
    let files = Files {
        roots,
        trash: Arc::new(trash),
        changing: Arc::default(),
    };
    let toolbox =
        Toolbox::new("mcpdeck-filesystem", instructions, files, access).with_roots(Files::narrowed);
    servers::serve(
        with_changing_tools(reading::with_reading_tools(toolbox)),
        serving,
    )
    .await
}

fn instructions(roots: &Roots, access: Access) -> String {
    let (what, trash) = match access {
        Access::ReadOnly => ("Reads", ""),
        Access::ReadWrite => (
            "Reads and changes",
            " What is deleted or replaced goes to a trash.",
        ),
    };
    // A small model that is told a long absolute path copies it wrongly; with one folder it need not know it.
    let below = match roots.iter().count() {
        1 => "in one folder. Give paths relative to it: `.` is the folder itself, `notes/a.txt` a file \
              in it."
            .to_owned(),
        _ => format!("below {}. A relative path is taken from the first of them.", roots.listed()),
    };
    format!("{what} files {below}{trash}")
}

const WRITE_FILE: Sign = Sign {
    name: "write_file",
    title: "Write a file",
    description: "Creates a text file, or replaces its whole content; the earlier content goes to the trash.",
    effect: Effect::Replaces,
};

const EDIT_FILE: Sign = Sign {
    name: "edit_file",
    title: "Edit a file",
    description: "Replaces exact pieces of a text file. Each oldText must occur exactly once. dryRun shows the diff and changes nothing.",
    effect: Effect::Replaces,
};

const MOVE_FILE: Sign = Sign {
    name: "move_file",
    title: "Move or rename",
    description: "Moves or renames a file or folder. Refuses when the destination exists.",
    effect: Effect::Adds,
};

const CREATE_DIRECTORY: Sign = Sign {
    name: "create_directory",
    title: "Create a folder",
    description: "Creates a folder with the folders above it. An existing folder is fine.",
    effect: Effect::Ensures,
};

const DELETE_FILE: Sign = Sign {
    name: "delete_file",
    title: "Delete into the trash",
    description: "Moves a file or a whole folder into the trash; the answer says where it lies.",
    effect: Effect::Replaces,
};

fn with_changing_tools(toolbox: Toolbox<Files>) -> Toolbox<Files> {
    toolbox
        .with(WRITE_FILE, change::write_file)
        .with(EDIT_FILE, edit::edit_file)
        .with(MOVE_FILE, change::move_file)
        .with(CREATE_DIRECTORY, change::create_directory)
        .with(DELETE_FILE, delete::delete_file)
}
