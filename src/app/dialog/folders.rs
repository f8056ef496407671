//! The folders that servers may be told of, as they are edited: one line each, and always an empty one to add to.
//!
//! Pure: whether a folder is there, the terminal layer says.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::app::composer::Composer;
use crate::app::form::FieldKey;
use crate::app::state::Here;
use crate::host::Root;

/// The list being edited.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// The lines; the last one is empty.
    pub rows: Vec<Row>,
    /// The line that has the keys.
    pub at: usize,
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The path, or a `file:` URI.
    pub input: Composer,
    /// What is wrong with it.
    pub complaint: Option<String>,
    /// The text that this was said of.
    blamed: String,
    /// The root that it was made from, and how that was written.
    was: Option<(String, Root)>,
}

impl Folders {
    /// The folders that are told of already, else the current one.
    pub fn open(roots: Option<&[Root]>, here: &Here) -> Self {
        let mut rows: Vec<Row> = match roots {
            Some(roots) => roots.iter().map(Row::of).collect(),
            None => named(&here.folder).iter().map(Row::of).collect(),
        };
        rows.push(Row::default());
        Self { rows, at: 0 }
    }

    /// The text that has the keys.
    pub fn input(&mut self) -> Option<&mut Composer> {
        self.rows.get_mut(self.at).map(|row| &mut row.input)
    }

    /// Goes through the lines, or takes one out.
    pub fn press(&mut self, key: FieldKey) {
        let count = self.rows.len().max(1);
        match key {
            FieldKey::Next => self.at = (self.at + 1) % count,
            FieldKey::Previous => self.at = (self.at + count - 1) % count,
            FieldKey::Up => self.at = self.at.saturating_sub(1),
            FieldKey::Down => self.at = (self.at + 1).min(count - 1),
            FieldKey::Clear if self.at < self.rows.len() => {
                self.rows.remove(self.at);
            }
            FieldKey::Clear | FieldKey::Left | FieldKey::Right | FieldKey::Toggle => {}
        }
        self.refresh();
    }

    /// After an edit: what was wrong may be right now, and the last line is empty again.
    pub fn refresh(&mut self) {
        for row in &mut self.rows {
            if row.complaint.is_some() && row.input.text() != row.blamed {
                row.complaint = None;
            }
        }
        if self.rows.last().is_none_or(|row| !row.input.is_empty()) {
            self.rows.push(Row::default());
        }
        self.at = self.at.min(self.rows.len().saturating_sub(1));
    }

    /// The roots that are written, each once; absent: a line says what is wrong with it.
    pub fn roots(&mut self, here: &Here) -> Option<Vec<Root>> {
        let mut roots: Vec<Root> = Vec::new();
        let mut wrong = None;
        for (at, row) in self.rows.iter_mut().enumerate() {
            match row.root(here) {
                Ok(Some(root)) if roots.iter().all(|known| known.uri != root.uri) => {
                    roots.push(root);
                }
                Ok(_) => {}
                Err(why) => {
                    row.blame(why);
                    wrong = wrong.or(Some(at));
                }
            }
        }
        match wrong {
            None => Some(roots),
            Some(at) => {
                self.at = at;
                None
            }
        }
    }

    /// Says at each line whose folder is not there that it is not.
    pub fn missing(&mut self, missing: &[PathBuf], here: &Here) {
        let mut wrong = None;
        for (at, row) in self.rows.iter_mut().enumerate() {
            let root = row.root(here).ok().flatten();
            let path = root.and_then(|root| path_of(&root));
            if path.is_some_and(|path| missing.contains(&path)) {
                row.blame("there is no such folder here".to_owned());
                wrong = wrong.or(Some(at));
            }
        }
        self.at = wrong.unwrap_or(self.at);
    }
}

/// The folder that a root names, where it names one here.
pub fn path_of(root: &Root) -> Option<PathBuf> {
    let uri = Url::parse(&root.uri).ok()?;
    uri.to_file_path().ok()
}

impl Row {
    fn of(root: &Root) -> Self {
        let path = path_of(root).map(|path| path.to_string_lossy().into_owned());
        let mut row = Self::default();
        row.input.set(path.as_deref().unwrap_or(&root.uri));
        row.was = Some((row.input.text().to_owned(), root.clone()));
        row
    }

    fn blame(&mut self, why: String) {
        self.complaint = Some(why);
        self.input.text().clone_into(&mut self.blamed);
    }

    /// The root that is meant; nothing on an empty line.
    fn root(&self, here: &Here) -> Result<Option<Root>, String> {
        let text = self.input.text();
        // As it was: a name of its own is kept, and so are letters that are written composed here.
        if let Some((_, root)) = self.was.as_ref().filter(|(was, _)| was == text) {
            return Ok(Some(root.clone()));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.contains('\n') {
            return Err("one folder on a line".to_owned());
        }
        if text.contains("://") {
            let uri = Url::parse(text).ok().filter(|uri| uri.scheme() == "file");
            let path = uri.and_then(|uri| uri.to_file_path().ok());
            let path = path.ok_or("it must be a folder here, as a path or as file:///path")?;
            return Ok(named(&path));
        }
        let path = match (text.strip_prefix('~'), &here.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => here.folder.join(text),
        };
        if path.is_absolute() {
            Ok(named(&path))
        } else {
            Err("it must be a whole path, from / on".to_owned())
        }
    }
}

/// The root of a whole path, without `.` and `..` by the words alone, named as its last part.
fn named(path: &Path) -> Option<Root> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let name = plain.file_name();
    Some(Root {
        uri: Url::from_file_path(&plain).ok()?.to_string(),
        name: name.map(|name| name.to_string_lossy().into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Here {
        Here {
            folder: "/home/anh/dự án".into(),
            home: Some("/home/anh".into()),
        }
    }

    fn written(text: &str) -> Row {
        let mut row = Row::default();
        row.input.set(text);
        row
    }

    fn roots(lines: &[&str]) -> Option<Vec<String>> {
        let mut folders = Folders {
            rows: lines.iter().map(|line| written(line)).collect(),
            at: 0,
        };
        let roots = folders.roots(&here())?;
        Some(roots.into_iter().map(|root| root.uri).collect())
    }

    #[test]
    fn the_current_folder_is_proposed_and_paths_become_uris() {
        let mut folders = Folders::open(None, &here());
        let expected = Root {
            uri: "file:///home/anh/d%E1%BB%B1%20%C3%A1n".into(),
            name: Some("dự án".into()),
        };
        assert_eq!(folders.roots(&here()), Some(vec![expected]));
        let lines = ["~/a", "b/../c/./d", "/x/..", "file:///tmp/%20e", "", "~/a"];
        let expected = [
            "file:///home/anh/a",
            "file:///home/anh/d%E1%BB%B1%20%C3%A1n/c/d",
            "file:///",
            "file:///tmp/%20e",
        ];
        assert_eq!(roots(&lines), Some(expected.map(String::from).to_vec()));
        assert_eq!(roots(&["https://example.com/"]), None);
        assert_eq!(roots(&[]), Some(Vec::new()));
    }

    #[test]
    fn a_folder_whose_name_is_not_composed_stays_the_folder_that_it_is() {
        let loose = Here {
            folder: "/srv/e\u{301}".into(),
            home: None,
        };
        let roots = Folders::open(None, &loose).roots(&loose);
        let uri = roots.and_then(|roots| roots.first().map(|root| root.uri.clone()));
        assert_eq!(uri.as_deref(), Some("file:///srv/e%CC%81"));
    }

    #[test]
    fn a_root_that_is_not_changed_keeps_its_name() {
        let named = Root {
            uri: "file:///srv/data".into(),
            name: Some("Dữ liệu".into()),
        };
        let mut folders = Folders::open(Some(std::slice::from_ref(&named)), &here());
        assert_eq!(folders.roots(&here()), Some(vec![named]));
        folders.press(FieldKey::Clear);
        assert_eq!(folders.roots(&here()), Some(Vec::new()));
    }
}
