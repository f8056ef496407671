//! The tools that read, and the table of them: what each is called and says of itself. None changes anything.
//!
//! `list`, `outline` and `stat` tell what is there; `text`, `media` and `many` tell what is in it; `search` finds names, `grep`
//! contents. `read` is what they share, `glob` and `kinds` are pure. The server's `mod.rs` calls `with_reading_tools`.

pub mod read;

mod glob;
mod grep;
mod kinds;
mod list;
mod many;
mod media;
mod outline;
mod search;
mod stat;
mod text;

use crate::servers::filesystem::Files;
use crate::servers::toolbox::{Effect, Sign, Toolbox};

const LIST_DIRECTORY: Sign = Sign {
    name: "list_directory",
    title: "List a folder",
    description: "Lists the files and folders directly in a folder, folders first.",
    effect: Effect::Reads,
};

const LIST_DIRECTORY_WITH_SIZES: Sign = Sign {
    name: "list_directory_with_sizes",
    title: "List a folder by size",
    description: "Lists the files and folders directly in a folder with their sizes and sum, by name or the largest first.",
    effect: Effect::Reads,
};

const DIRECTORY_TREE: Sign = Sign {
    name: "directory_tree",
    title: "Show a folder as a tree",
    description: "Shows a folder with all that is below it as a tree. excludePatterns and max_depth make it smaller; it says what it leaves out.",
    effect: Effect::Reads,
};

const READ_TEXT_FILE: Sign = Sign {
    name: "read_text_file",
    title: "Read a text file",
    description: "Reads a text file: whole (up to 1 MiB), its first (head) or last (tail) lines, the lines start_line to end_line, or on from an offset.",
    effect: Effect::Reads,
};

const READ_MEDIA_FILE: Sign = Sign {
    name: "read_media_file",
    title: "Read an image or audio",
    description: "Reads an image or a sound as such (up to 8 MiB); its type is told by its content. Other binary files come as a resource.",
    effect: Effect::Reads,
};

const READ_MULTIPLE_FILES: Sign = Sign {
    name: "read_multiple_files",
    title: "Read several text files",
    description: "Reads up to 100 text files at once (up to 1 MiB together). One that fails does not stop the others.",
    effect: Effect::Reads,
};

const SEARCH_FILES: Sign = Sign {
    name: "search_files",
    title: "Find files by name",
    description: "Finds files and folders whose name fits a glob, at any depth. `*.py` fits at any depth; a pattern with a slash, such as `src/**/*.py`, is taken from the folder searched.",
    effect: Effect::Reads,
};

const SEARCH_FILE_CONTENTS: Sign = Sign {
    name: "search_file_contents",
    title: "Search in files",
    description: "Finds lines that fit a regular expression in all text files below a folder, or in one file. Leaves out hidden files and what .gitignore or .ignore name, unless asked.",
    effect: Effect::Reads,
};

const GET_FILE_INFO: Sign = Sign {
    name: "get_file_info",
    title: "Describe a file",
    description: "Tells type, size, times and permissions of a file or folder.",
    effect: Effect::Reads,
};

const LIST_ALLOWED_DIRECTORIES: Sign = Sign {
    name: "list_allowed_directories",
    title: "List the allowed folders",
    description: "Lists the folders that this server may touch.",
    effect: Effect::Reads,
};

/// Adds the tools that read.
pub fn with_reading_tools(toolbox: Toolbox<Files>) -> Toolbox<Files> {
    toolbox
        .with(LIST_DIRECTORY, list::list_directory)
        .with(LIST_DIRECTORY_WITH_SIZES, list::list_directory_with_sizes)
        .with(DIRECTORY_TREE, outline::directory_tree)
        .with(READ_TEXT_FILE, text::read_text_file)
        .with(READ_MEDIA_FILE, media::read_media_file)
        .with(READ_MULTIPLE_FILES, many::read_multiple_files)
        .with(SEARCH_FILES, search::search_files)
        .with(SEARCH_FILE_CONTENTS, grep::search_file_contents)
        .with(GET_FILE_INFO, stat::get_file_info)
        .with(LIST_ALLOWED_DIRECTORIES, stat::list_allowed_directories)
}
