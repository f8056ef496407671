//! What each server offered last, kept over a restart of the program: a file for each server and way to start it.
//!
//! A file that cannot be read or written, or is of another version, costs a wait at the next start and nothing else, so nobody
//! is told. Only the owner can read them: a list can say what somebody has.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::host::KeptLists;
use crate::host::keep::lists_file;
use crate::ids::ServerName;

/// A larger file is not written, and not read.
const LARGEST: u64 = 4 << 20;
/// Files that are kept; the oldest go.
const FILES: usize = 200;
/// How long one is good.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// One file, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OnDisk {
    /// The server.
    pub server: ServerName,
    /// How it was started.
    pub launch: String,
    /// Tools, resources, templates and prompts in it.
    pub items: usize,
    /// Bytes.
    pub bytes: u64,
    /// Seconds since it was written.
    pub age_sec: u64,
    /// Where.
    pub path: PathBuf,
}

/// What is known of the configured servers.
pub fn load(folder: &Path, config: &Config) -> BTreeMap<ServerName, KeptLists> {
    let known = config.servers.iter().filter(|spec| spec.enabled);
    let known = known.filter_map(|spec| {
        let launch = spec.launch.identity();
        let lists = read(&lists_file(folder, &spec.name, &launch))?;
        lists
            .is_of(&spec.name, &launch)
            .then(|| (spec.name.clone(), lists))
    });
    known.collect()
}

/// Everything that is kept, by the server's name.
pub fn all(folder: &Path) -> Vec<OnDisk> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let one = |entry: fs::DirEntry| {
        let (path, about) = (entry.path(), entry.metadata().ok()?);
        let lists = read(&path)?;
        Some(OnDisk {
            items: lists.tools.len()
                + lists.resources.len()
                + lists.templates.len()
                + lists.prompts.len(),
            server: lists.server,
            launch: lists.launch,
            bytes: about.len(),
            age_sec: age(&about).as_secs(),
            path,
        })
    };
    let mut all: Vec<OnDisk> = entries.flatten().filter_map(one).collect();
    all.sort_by(|a, b| (&a.server, &a.launch).cmp(&(&b.server, &b.launch)));
    all
}

/// Removes what is kept of one server, or everything. Gives how many files went.
///
/// # Errors
/// What the system says of the first that stays.
pub fn clear(folder: &Path, only: Option<&str>) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut gone = 0;
    for entry in entries {
        let path = entry?.path();
        let is_ours = path.extension().is_some_and(|end| end == "json");
        let is_meant = match only {
            Some(name) => read(&path).is_some_and(|lists| lists.server.as_str() == name),
            // Also what cannot be read: it is of no use.
            None => true,
        };
        if is_ours && is_meant {
            fs::remove_file(&path)?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Writes or removes a file in the background.
pub(super) async fn keep(path: PathBuf, lists: Option<Box<KeptLists>>) {
    let _asked_again = tokio::task::spawn_blocking(move || match lists {
        Some(lists) => save(&path, &lists),
        None => remove(&path),
    })
    .await;
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Replaces the file as a whole. A list that is too large leaves none: an old one would be wrong.
fn save(path: &Path, lists: &KeptLists) -> io::Result<()> {
    let text = serde_json::to_string(lists)?;
    if text.len() as u64 > LARGEST {
        return remove(path);
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    // Made for its owner alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    prune(folder);
    Ok(())
}

fn read(path: &Path) -> Option<KeptLists> {
    let file = fs::File::open(path).ok()?;
    let about = file.metadata().ok()?;
    if !about.is_file() || about.len() > LARGEST || age(&about) > KEPT {
        return None;
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn age(about: &fs::Metadata) -> Duration {
    let written = about.modified().ok();
    written.and_then(|at| at.elapsed().ok()).unwrap_or_default()
}

/// Removes the oldest beyond the bound, and what is too old. What cannot be removed stays.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let one = |entry: fs::DirEntry| Some((age(&entry.metadata().ok()?), entry.path()));
    let mut files: Vec<_> = entries.flatten().filter_map(one).collect();
    files.sort();
    for (place, (age, path)) in files.iter().enumerate() {
        if place >= FILES || *age > KEPT {
            let _stays = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::keep::LISTS_VERSION;

    fn lists(server: &str) -> KeptLists {
        KeptLists {
            version: LISTS_VERSION,
            server: server.into(),
            launch: "npx x".into(),
            tools: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            prompts: Vec::new(),
        }
    }

    #[test]
    fn what_was_saved_is_listed_and_read_again_by_its_owner_alone_and_cleared_by_name() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("new/lists");
        let place = |name: &str| lists_file(&folder, &name.into(), "npx x");
        for name in ["a", "b/../c"] {
            save(&place(name), &lists(name)).unwrap();
            assert_eq!(read(&place(name)), Some(lists(name)));
            assert_eq!(
                place(name).parent(),
                Some(folder.as_path()),
                "a name leads nowhere else"
            );
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(place("a")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let names: Vec<String> = all(&folder)
            .into_iter()
            .map(|it| it.server.to_string())
            .collect();
        assert_eq!(names, ["a", "b/../c"]);
        assert_eq!(clear(&folder, Some("a")).unwrap(), 1);
        assert_eq!(read(&place("a")), None);
        assert_eq!(clear(&folder, None).unwrap(), 1);
        assert_eq!(clear(&home.path().join("nowhere"), None).unwrap(), 0);
    }

    #[test]
    fn a_file_that_is_torn_too_large_or_of_another_server_or_version_is_none() {
        let home = tempfile::tempdir().unwrap();
        let path = lists_file(home.path(), &"a".into(), "npx x");
        save(&path, &lists("a")).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        for end in 0..good.len() {
            fs::write(&path, &good[..end]).unwrap();
            assert_eq!(read(&path), None, "cut at {end}");
        }
        fs::write(&path, [0xff, 0xfe, 0]).unwrap();
        assert_eq!(read(&path), None);
        let newer = KeptLists {
            version: LISTS_VERSION + 1,
            ..lists("a")
        };
        assert!(!newer.is_of(&"a".into(), "npx x"));
        assert!(!lists("a").is_of(&"a".into(), "npx y"));
        let tool = crate::mcp::convert::tool(&serde_json::json!({
            "name": "t", "inputSchema": {}, "description": "x".repeat(5 << 20)
        }));
        let large = KeptLists {
            tools: vec![tool.unwrap()],
            ..lists("a")
        };
        save(&path, &large).unwrap();
        assert!(!path.exists(), "too large: the old one would be wrong");
    }
}
