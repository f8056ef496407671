//! What the system refused, in a sentence with a next step.

use std::io;

use crate::servers::filesystem::names::{meant, shown};
use crate::servers::filesystem::roots::Place;
use crate::servers::nearest::nearest;
use crate::servers::toolbox::Refusal;

impl Place<'_> {
    /// What the system said, in a sentence with a next step.
    pub fn failure(&self, verb: &str, error: &io::Error) -> Refusal {
        let path = self.shown();
        Refusal(match error.kind() {
            io::ErrorKind::NotFound => {
                let hint = self
                    .neighbour()
                    .map(|name| format!(" Did you mean `{name}`?"));
                let hint = hint.unwrap_or_else(|| {
                    " list_directory and search_files show what is there.".to_owned()
                });
                format!("`{path}` does not exist.{hint}")
            }
            // cap_std's own word for a way out, which carries no number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                format!("`{path}` leads out of the allowed folders, so it is not touched.")
            }
            io::ErrorKind::PermissionDenied => {
                format!("Cannot {verb} `{path}`: the system denies permission.")
            }
            io::ErrorKind::NotADirectory => format!("Cannot {verb} `{path}`: it is not a folder."),
            _ => format!("Cannot {verb} `{path}`: {error}."),
        })
    }

    fn neighbour(&self) -> Option<String> {
        let parent = self.at(self.rel.parent()?.to_owned());
        let entries = self.root.dir.read_dir(parent.way()).ok()?;
        let names: Vec<String> = entries
            .filter_map(|entry| Some(shown(&entry.ok()?.file_name())))
            .take(10_000)
            .collect();
        let wanted = shown(self.rel.file_name()?);
        let name = nearest(&wanted, names.iter().map(String::as_str))?;
        Some(parent.at(parent.rel.join(meant(name))).shown())
    }
}
