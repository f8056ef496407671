//! The filesystem server: reads and changes files below given folders, and nothing outside them.
//!
//! Every path is resolved by the kernel beneath a handle of its root (`roots`), so neither `..` nor a link nor a rename in
//! between leads out. Changes are atomic and what they replace or remove goes to a trash (`trash`). Names of tools and arguments
//! are those of `@modelcontextprotocol/server-filesystem` where both have the tool. Started by `cli::serve`.

mod change;
mod delete;
mod diff;
mod edit;
mod names;
mod read;
mod roots;
mod search;
mod trash;

use std::path::PathBuf;
use std::sync::Mutex;

use crate::servers::toolbox::{Effect, Sign, Toolbox};
use crate::servers::{Access, ServeError, stdio};

use roots::Roots;
use trash::Trash;

/// What the tools work on.
struct Files {
    roots: Roots,
    trash: Trash,
    /// Held by each tool that changes something, so that an edit reads what it replaces.
    changing: Mutex<()>,
}

impl Files {
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
pub async fn serve(roots: Vec<PathBuf>, access: Access) -> Result<(), ServeError> {
    let trash = Trash::from_environment();
    let roots = Roots::open(&roots, trash.place())?;
    let instructions = instructions(&roots, access);
    let files = Files {
        roots,
        trash,
        changing: Mutex::new(()),
    };
    let toolbox = Toolbox::new("mcpdeck-filesystem", instructions, files, access);
    stdio::serve(with_changing_tools(with_reading_tools(toolbox))).await
}

fn instructions(roots: &Roots, access: Access) -> String {
    let what = match access {
        Access::ReadOnly => "Reads files below",
        Access::ReadWrite => "Reads and changes files below",
    };
    format!(
        "{what} {}. A relative path is taken from the first of them. What is deleted or replaced goes to a trash.",
        roots.listed()
    )
}

fn with_reading_tools(toolbox: Toolbox<Files>) -> Toolbox<Files> {
    let reads = |name, title, description| Sign {
        name,
        title,
        description,
        effect: Effect::Reads,
    };
    toolbox
        .with(
            reads(
                "list_directory",
                "List a folder",
                "Lists the files and folders directly in a folder, folders first.",
            ),
            read::list_directory,
        )
        .with(
            reads(
                "read_text_file",
                "Read a text file",
                "Reads a text file, whole (up to 1 MiB) or only its first (head) or last (tail) lines.",
            ),
            read::read_text_file,
        )
        .with(
            reads(
                "search_files",
                "Find files by name",
                "Finds files and folders whose name fits a glob, at any depth. `*.py` fits at any depth; a pattern with a slash, such as `src/**/*.py`, is taken from the folder searched.",
            ),
            search::search_files,
        )
        .with(
            reads(
                "get_file_info",
                "Describe a file",
                "Tells type, size, times and permissions of a file or folder.",
            ),
            read::get_file_info,
        )
        .with(
            reads(
                "list_allowed_directories",
                "List the allowed folders",
                "Lists the folders that this server may touch.",
            ),
            read::list_allowed_directories,
        )
}

fn with_changing_tools(toolbox: Toolbox<Files>) -> Toolbox<Files> {
    let sign = |name, title, description, effect| Sign {
        name,
        title,
        description,
        effect,
    };
    toolbox
        .with(
            sign(
                "write_file",
                "Write a file",
                "Creates a text file, or replaces its whole content; the earlier content goes to the trash.",
                Effect::Replaces,
            ),
            change::write_file,
        )
        .with(
            sign(
                "edit_file",
                "Edit a file",
                "Replaces exact pieces of a text file. Each oldText must occur exactly once. dryRun shows the diff and changes nothing.",
                Effect::Replaces,
            ),
            edit::edit_file,
        )
        .with(
            sign(
                "move_file",
                "Move or rename",
                "Moves or renames a file or folder. Refuses when the destination exists.",
                Effect::Adds,
            ),
            change::move_file,
        )
        .with(
            sign(
                "create_directory",
                "Create a folder",
                "Creates a folder with the folders above it. An existing folder is fine.",
                Effect::Ensures,
            ),
            change::create_directory,
        )
        .with(
            sign(
                "delete_file",
                "Delete into the trash",
                "Moves a file or a whole folder into the trash; the answer says where it lies.",
                Effect::Replaces,
            ),
            delete::delete_file,
        )
}
