//! The lines of the journal: what is about to be changed, and what came of it. Plain data; names are kept by their bytes.

use std::path::{Component, PathBuf};

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// Written before anything is touched.
    Begun(Begun),
    /// The change is in effect.
    Done(Done),
    /// The change did not come into effect.
    Abandoned {
        /// Which.
        id: String,
    },
    /// Changes are forgotten, and what they replaced is gone from the trash.
    Dropped {
        /// Which.
        ids: Vec<String>,
    },
}

impl Line {
    /// Whether the names in it are such as we give. A journal can be edited by hand, and these names are removed and renamed.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Begun(begun) => begun.is_sound(),
            Self::Done(done) => is_id(&done.id),
            Self::Abandoned { id } => is_id(id),
            Self::Dropped { ids } => ids.iter().all(|id| is_id(id)),
        }
    }
}

/// Whether it is the plain name of a folder in the trash.
fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_digit())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// A change about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its name; the folder of the trash that holds what it replaces has the same.
    pub id: String,
    /// When, in RFC 3339.
    pub time: String,
    /// The tool that makes it.
    pub tool: String,
    /// What it does.
    pub action: Action,
    /// The change that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Whether it takes back a change, rather than making one (or making one again).
    #[serde(default)]
    pub backward: bool,
}

impl Begun {
    fn is_sound(&self) -> bool {
        let places = match &self.action {
            Action::Put { place, beside, .. } => {
                let ours = beside.strip_prefix(".mcpdeck-");
                let ours = ours.and_then(|rest| rest.strip_suffix(".tmp"));
                if !ours.is_some_and(|id| is_id(id) && id.starts_with(&self.id)) {
                    return false;
                }
                vec![place]
            }
            Action::Move { from, to, .. } => vec![from, to],
        };
        is_id(&self.id)
            && self.undoes.as_deref().is_none_or(is_id)
            && places.into_iter().all(Where::is_sound)
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub id: String,
    /// What it left at its place; unknown when the process died in between.
    pub left: Option<Left>,
    /// Bytes that it put into the trash.
    pub kept: u64,
}

/// What a change does to names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Action {
    /// A name gets something else, or nothing; what had the name goes to the trash.
    Put {
        /// The name.
        place: Where,
        /// What has it before.
        old: Option<Seen>,
        /// Whether something has it afterwards.
        new: bool,
        /// The name beside it under which things are made ready; nobody else has the like.
        beside: String,
        /// The digest of the new content, where it is known before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// Something gets another name.
    Move {
        /// The old name.
        from: Where,
        /// The new name.
        to: Where,
        /// What it is.
        seen: Seen,
    },
}

/// A name beneath a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Where {
    /// The root, without links.
    #[serde(with = "exact")]
    pub root: PathBuf,
    /// The way from there.
    #[serde(with = "exact")]
    pub rel: PathBuf,
}

impl Where {
    fn is_sound(&self) -> bool {
        let mut parts = self.rel.components().peekable();
        let plain = |part| matches!(part, Component::Normal(_));
        self.root.is_absolute() && parts.peek().is_some() && parts.all(plain)
    }

    /// Where it lies on the disk.
    pub fn absolute(&self) -> PathBuf {
        self.root.join(&self.rel)
    }
}

/// Something that was seen under a name: enough to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What sort.
    pub sort: Sort,
    /// Its number on its file system.
    pub ino: u64,
    /// Bytes; 0 for what is no file.
    pub size: u64,
    /// When its content changed, in nanoseconds; 0 for what is no file.
    pub mtime: i64,
}

/// Sorts of things that have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// What a change left under the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// Nothing.
    Nothing,
    /// A file with a content of this digest.
    Content {
        /// Bytes.
        size: u64,
        /// Their digest.
        sha256: String,
    },
    /// This thing; for a folder the digest of names, sizes and times in it.
    Thing {
        /// What it is.
        seen: Seen,
        /// What is in it.
        inside: Option<String>,
    },
}

/// Paths in JSON: text where they are UTF-8, else their bytes in base64.
mod exact {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Exact {
        Text(String),
        Bytes { base64: String },
    }

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        let exact = path.to_str().map_or_else(
            || Exact::Bytes {
                base64: STANDARD.encode(path.as_os_str().as_bytes()),
            },
            |text| Exact::Text(text.to_owned()),
        );
        exact.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        match Exact::deserialize(from)? {
            Exact::Text(text) => Ok(PathBuf::from(text)),
            Exact::Bytes { base64 } => {
                let bytes = STANDARD.decode(base64).map_err(serde::de::Error::custom)?;
                Ok(PathBuf::from(OsString::from_vec(bytes)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_line_comes_back_as_it_was() {
        let place = Where {
            root: PathBuf::from("/r"),
            rel: PathBuf::from("a/b"),
        };
        let seen = Seen {
            sort: Sort::File,
            ino: u64::MAX,
            size: 1 << 60,
            mtime: i64::MIN,
        };
        let put = Action::Put {
            place: place.clone(),
            old: Some(seen),
            new: true,
            beside: "x".to_owned(),
            sha256: Some("y".to_owned()),
        };
        let shift = Action::Move {
            from: place.clone(),
            to: place,
            seen,
        };
        let begun = |action| {
            Line::Begun(Begun {
                id: "1".to_owned(),
                time: "t".to_owned(),
                tool: "undo".to_owned(),
                action,
                undoes: Some("0".to_owned()),
                backward: true,
            })
        };
        let left = Some(Left::Thing { seen, inside: None });
        let id = "1".to_owned();
        let done = Line::Done(Done { id, left, kept: 1 });
        for line in [begun(put), begun(shift), done] {
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        }
    }

    #[test]
    fn names_come_back_by_their_bytes() {
        for name in [
            &b"caf\xe9\n"[..],
            "ba\u{301}o".as_bytes(),
            "b\u{e1}o".as_bytes(),
        ] {
            let place = Where {
                root: PathBuf::from("/r"),
                rel: PathBuf::from(OsStr::from_bytes(name)),
            };
            let text = serde_json::to_string(&place).unwrap();
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<Where>(&text).unwrap(), place);
        }
    }
}
