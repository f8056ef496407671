//! Changes on a file system that cannot let two names change places, nor rename without replacing.

use std::fs;
use tempfile::TempDir;

use super::*;
use crate::servers::filesystem::changes::Changes;
use crate::servers::filesystem::direct::Direct;
use crate::servers::filesystem::roots::Roots;
use crate::servers::filesystem::trash::Trash;

/// A root and a data directory on file systems where names cannot change places.
struct Plain {
    base: TempDir,
    changes: Changes,
    roots: Roots,
}

impl Plain {
    fn new() -> Self {
        spot::plain::set(true);
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir(&root).unwrap();
        let trash = Trash::below(&base.path().join("data"));
        let roots = Roots::open(&[root], trash.place()).unwrap();
        let changes = Changes::new(trash);
        Self {
            base,
            changes,
            roots,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join("root").join(name)
    }

    fn direct(&self) -> Direct {
        let data = self.base.path().join("data");
        Direct::open(&[self.path("")], &data, 1 << 20).unwrap()
    }

    fn undo(&self) {
        let mut turn = self.changes.turn(&self.roots).unwrap();
        turn.undo(&self.roots, None, false).unwrap();
    }

    /// Puts a file with this content at a name, while `meanwhile` happens.
    fn put(&self, name: &str, meanwhile: &dyn Fn()) -> Result<Made, Refusal> {
        let place = self.roots.find(name).unwrap();
        let spot = Spot::of(&place).unwrap();
        let make = |dir: &Dir, name: &OsStr| {
            dir.write(name, "new")?;
            meanwhile();
            Ok(())
        };
        let mut turn = self.changes.turn(&self.roots).unwrap();
        turn.put(&Put {
            tool: "write_file",
            verb: "write",
            spot: &spot,
            old: spot.seen().unwrap(),
            make: Some(&make),
            sha256: None,
            undoes: None,
        })
    }

    fn names(&self) -> usize {
        fs::read_dir(self.path("")).unwrap().count()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        spot::plain::set(false);
    }
}

#[test]
fn where_names_cannot_change_places_the_old_content_is_kept_all_the_same() {
    let plain = Plain::new();
    let direct = plain.direct();
    for content in ["1", "2", "3"] {
        direct.write("a", content.as_bytes()).unwrap();
    }
    assert_eq!(direct.read("a").unwrap(), b"3");
    for content in ["2", "1"] {
        plain.undo();
        assert_eq!(direct.read("a").unwrap(), content.as_bytes());
    }
    plain.undo();
    assert_eq!(plain.names(), 0);
}

#[test]
fn there_too_nothing_is_replaced_that_somebody_else_put_there() {
    let plain = Plain::new();
    fs::write(plain.path("a"), "old").unwrap();
    let other = || {
        fs::write(plain.path("b"), "theirs").unwrap();
        fs::rename(plain.path("b"), plain.path("a")).unwrap();
    };
    let Refusal(said) = plain.put("a", &other).unwrap_err();
    assert!(said.contains("changed by somebody else"), "{said}");
    let other = || fs::write(plain.path("c"), "theirs").unwrap();
    let Refusal(said) = plain.put("c", &other).unwrap_err();
    assert!(said.contains("exists already"), "{said}");
    for name in ["a", "c"] {
        assert_eq!(fs::read(plain.path(name)).unwrap(), b"theirs");
    }
    assert_eq!(plain.names(), 2);
}

#[test]
fn there_a_folder_is_not_replaced() {
    let plain = Plain::new();
    fs::create_dir(plain.path("a")).unwrap();
    fs::write(plain.path("a/b"), "b").unwrap();
    let Refusal(said) = plain.put("a", &|| ()).unwrap_err();
    assert!(said.contains("delete it first"), "{said}");
    assert_eq!(fs::read(plain.path("a/b")).unwrap(), b"b");
    assert_eq!(plain.names(), 1);
}

#[test]
fn there_a_move_replaces_nothing_either() {
    let plain = Plain::new();
    for name in ["a", "taken"] {
        fs::write(plain.path(name), name).unwrap();
    }
    fs::create_dir(plain.path("empty")).unwrap();
    let place = |name: &str| Spot::of(&plain.roots.find(name).unwrap()).unwrap();
    let from = place("a");
    let seen = from.seen().unwrap().unwrap();
    let mut turn = plain.changes.turn(&plain.roots).unwrap();
    for taken in ["taken", "empty"] {
        let to = place(taken);
        let Refusal(said) = turn.shift("move_file", &from, &to, seen, None).unwrap_err();
        assert!(said.contains("exists already"), "{said}");
    }
    let to = place("free");
    turn.shift("move_file", &from, &to, seen, None).unwrap();
    assert_eq!(fs::read(plain.path("free")).unwrap(), b"a");
    assert_eq!(fs::read(plain.path("taken")).unwrap(), b"taken");
    let folder = place("empty");
    let seen = folder.seen().unwrap().unwrap();
    let to = place("moved");
    turn.shift("move_file", &folder, &to, seen, None).unwrap();
    assert!(!plain.path("empty").exists());
    assert_eq!(plain.names(), 3);
}
