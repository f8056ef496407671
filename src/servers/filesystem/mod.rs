//! The filesystem server: reads and changes files below given folders, and nothing outside them.
//!
//! Every path is resolved by the kernel beneath a handle of its root (`roots`), so neither `..` nor a link nor a rename in
//! between leads out. Changes are atomic, and what they replace or remove goes to a trash, from where it can be brought back
//! (`changes`). Names of tools and arguments are those of `@modelcontextprotocol/server-filesystem` where both have the tool. Started by `cli::serve`.

pub mod direct;
pub mod history;

mod attributes;
mod change;
mod changes;
mod copy;
mod delete;
mod diff;
mod edit;
mod ground;
mod names;
mod reading;
mod roots;
mod trash;
mod tree;
mod undo;

use std::path::PathBuf;
use std::sync::Arc;

use crate::servers::toolbox::{Effect, Refusal, Sign, Toolbox};
use crate::servers::{self, Access, ServeError, Serving};

use changes::spot::Spot;
use changes::{Changes, Turn};
use roots::Roots;
use trash::Trash;

/// What the tools work on. A clone works on the same files, in its own folders.
#[derive(Clone)]
struct Files {
    roots: Roots,
    changes: Arc<Changes>,
}

impl Files {
    /// The same with no more than what lies beneath the client's roots.
    fn narrowed(&self, uris: &[String]) -> Self {
        Self {
            roots: self.roots.narrowed(uris),
            ..self.clone()
        }
    }

    /// Refuses when the client's roots leave no folder at all: then there is also nothing to take back.
    fn some_root(&self) -> Result<(), Refusal> {
        match self.roots.iter().next() {
            Some(_) => Ok(()),
            None => Err(Refusal::new(self.roots.nothing())),
        }
    }

    /// Waits for its turn to change something; held until the change is made.
    fn turn(&self) -> Result<Turn<'_>, Refusal> {
        self.changes.turn(&self.roots)
    }

    /// Refuses what holds our own trash: it could not be moved into itself.
    fn holds_no_trash(&self, spot: &Spot) -> Result<(), Refusal> {
        if !self.changes.trash().real().starts_with(spot.absolute()) {
            return Ok(());
        }
        Err(Refusal(format!(
            "`{}` holds the trash of this server, so it stays where it is.",
            spot.shown
        )))
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
    let trash = Trash::from_environment()?;
    let roots = Roots::open(&roots, trash.place())?;
    let instructions = instructions(&roots, access, &trash);
    let changes = Arc::new(Changes::new(trash));
    let files = Files { roots, changes };
    let toolbox =
        Toolbox::new("mcpdeck-filesystem", instructions, files, access).with_roots(Files::narrowed);
    let toolbox = reading::with_reading_tools(toolbox);
    let toolbox = match access {
        Access::ReadOnly => toolbox,
        Access::ReadWrite => with_changing_tools(toolbox),
    };
    servers::serve(toolbox, serving).await
}

fn instructions(roots: &Roots, access: Access, trash: &Trash) -> String {
    let kept = format!(
        " What is deleted or replaced goes to a trash, which keeps {}; `undo` takes the last change back, \
         `list_changes` shows them.",
        trash.bounds()
    );
    let (what, trash) = match access {
        Access::ReadOnly => ("Reads", ""),
        Access::ReadWrite => ("Reads and changes", kept.as_str()),
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
    description: "Moves a file or a whole folder into the trash, where it is kept for 30 days within 1 GiB unless set otherwise. undo brings it back.",
    effect: Effect::Replaces,
};

const COPY_FILE: Sign = Sign {
    name: "copy_file",
    title: "Copy",
    description: "Copies a file, or a folder with all that is in it. Refuses an existing destination unless overwrite is set; what is there goes to the trash then.",
    effect: Effect::Replaces,
};

const UNDO: Sign = Sign {
    name: "undo",
    title: "Undo a change",
    description: "Takes back the last change made through this server, or the one named: a write, edit, copy, move, deletion or new folder. Refuses when something else lies there by now, unless force is set. Changes are kept for 30 days within 1 GiB unless set otherwise.",
    effect: Effect::Replaces,
};

const LIST_CHANGES: Sign = Sign {
    name: "list_changes",
    title: "List the changes",
    description: "Lists the changes that were made, newest first, with the names by which undo takes them back.",
    effect: Effect::Reads,
};

fn with_changing_tools(toolbox: Toolbox<Files>) -> Toolbox<Files> {
    toolbox
        .with(WRITE_FILE, change::write_file)
        .with(EDIT_FILE, edit::edit_file)
        .with(MOVE_FILE, change::move_file)
        .with(CREATE_DIRECTORY, change::create_directory)
        .with(COPY_FILE, copy::copy_file)
        .with(DELETE_FILE, delete::delete_file)
        .with(UNDO, undo::undo)
        .with(LIST_CHANGES, undo::list_changes)
}
