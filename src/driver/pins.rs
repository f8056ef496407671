//! The file of pinned tool definitions: read at the start, changed under a lock, replaced as a whole, for its owner alone.
//!
//! Two programs may write it at once: each reads what is there, carries out its own changes and writes the result, one after
//! the other. A file that cannot be read is set aside and said; one of a newer version is left alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::host::HostEvent;
use crate::ids::ServerName;
use crate::mcp::pins::{PinChanges, Pins, Record};

/// The version that is written.
const VERSION: u64 = 1;

/// The file as it is written.
#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    servers: &'a Pins,
}

/// What says how the rest is to be read.
#[derive(Deserialize)]
struct Version {
    version: Option<u64>,
}

/// The file as it is read: each record by itself, because it may hold thousands of tools.
#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow, default)]
    servers: BTreeMap<String, Vec<&'a RawValue>>,
}

/// What a file holds.
enum Found {
    Nothing,
    Pins(Pins, Option<String>),
    Newer(u64),
    Broken(String),
}

/// What the file knows, and what is to be said of it.
pub fn load(path: &Path) -> (Pins, Option<String>) {
    let anew = "the definitions of all tools are pinned anew, as at the first use";
    match read(path) {
        Found::Nothing => (Pins::default(), None),
        Found::Pins(pins, skipped) => (pins, skipped),
        Found::Newer(version) => {
            let why = format!(
                "{} is of version {version}, newer than this program: it is left alone, and tools are compared within this run only",
                path.display()
            );
            (Pins::default(), Some(why))
        }
        Found::Broken(why) => {
            let why = format!("{} cannot be read ({why}): {anew}", path.display());
            (Pins::default(), Some(why))
        }
    }
}

fn read(path: &Path) -> Found {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => return Found::Broken(error.to_string()),
    };
    match serde_json::from_str::<Version>(&text).map(|file| file.version) {
        Ok(Some(VERSION)) => {}
        Ok(Some(version)) => return Found::Newer(version),
        Ok(None) => return Found::Broken("it has no version".to_owned()),
        Err(error) => return Found::Broken(error.to_string()),
    }
    let file: Kept<'_> = match serde_json::from_str(&text) {
        Ok(file) => file,
        Err(error) => return Found::Broken(error.to_string()),
    };
    let mut pins = Pins::default();
    let mut skipped = 0_usize;
    for (name, records) in file.servers {
        // One odd record costs that record alone.
        for record in records {
            match serde_json::from_str::<Record>(record.get()) {
                Ok(record) => {
                    let name = ServerName::new(&name);
                    pins.servers.entry(name).or_default().push(record);
                }
                Err(_) => skipped += 1,
            }
        }
    }
    let skipped = (skipped > 0).then(|| {
        format!(
            "{}: {skipped} of its records cannot be read; the tools of those servers are pinned anew",
            path.display()
        )
    });
    Found::Pins(pins, skipped)
}

/// Carries out changes in the file, in the background; reports a failure.
pub(super) async fn keep(
    path: PathBuf,
    (server, launch): (ServerName, String),
    changes: PinChanges,
    events: mpsc::Sender<HostEvent>,
) {
    let (file, name) = (path.clone(), server.clone());
    let work = move || change(&file, &name, &launch, &changes);
    let why = match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    let why = format!(
        "What server `{server}` says of its tools could not be pinned in {}: {why}; it is compared within this run only",
        path.display()
    );
    let _gone = events.send(HostEvent::SaveFailed { call: None, why }).await;
}

/// Carries out changes of the pins of one launch of a server.
///
/// # Errors
/// What the system says; a file of a newer version.
pub fn change(
    path: &Path,
    server: &ServerName,
    launch: &str,
    changes: &PinChanges,
) -> io::Result<()> {
    edit(path, |pins| pins.change(server, launch, changes))
}

/// Forgets all that is pinned of a server, or these of its tools. Gives how many pins there were.
///
/// # Errors
/// As [`change`].
pub fn forget(path: &Path, server: &ServerName, tools: &[String]) -> io::Result<usize> {
    let mut count = 0;
    edit(path, |pins| {
        if tools.is_empty() {
            let records = pins.servers.remove(server).unwrap_or_default();
            count = records.iter().map(|record| record.tools.len()).sum();
            return;
        }
        for record in pins.servers.get_mut(server).into_iter().flatten() {
            for tool in tools {
                count += usize::from(record.tools.remove(tool).is_some());
            }
        }
    })?;
    Ok(count)
}

fn edit(path: &Path, work: impl FnOnce(&mut Pins)) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let _turn = locked(&path.with_extension("lock"))?;
    let mut pins = match read(path) {
        Found::Nothing => Pins::default(),
        Found::Pins(pins, _) => pins,
        Found::Newer(version) => {
            return Err(io::Error::other(format!(
                "it is of version {version}, newer than this program"
            )));
        }
        Found::Broken(_) => {
            fs::rename(path, path.with_extension("json.broken"))?;
            Pins::default()
        }
    };
    work(&mut pins);
    let written = Written {
        version: VERSION,
        servers: &pins,
    };
    // Made for its owner alone, which it stays under its new name.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(serde_json::to_string_pretty(&written)?.as_bytes())?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Held until it is dropped; the system frees it when a program ends in between.
fn locked(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::mcp::pins::{PinChange, Pinned};

    fn changes(tool: &str, digest: &str) -> PinChanges {
        let pin = Pinned {
            digest: digest.to_owned(),
            bytes: 1,
            definition: None,
            gone: false,
        };
        PinChanges {
            tools: BTreeMap::from([(tool.to_owned(), PinChange::First(pin))]),
            told: None,
        }
    }

    #[test]
    fn what_was_pinned_is_there_again_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/pins.json");
        assert_eq!(load(&path), (Pins::default(), None));
        change(&path, &"s".into(), "npx x", &changes("a", "1")).unwrap();
        change(&path, &"s".into(), "npx x", &changes("b", "2")).unwrap();
        let (pins, said) = load(&path);
        assert_eq!(said, None);
        let record = pins.record(&"s".into(), "npx x").unwrap();
        assert_eq!(record.tools.keys().collect::<Vec<_>>(), ["a", "b"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(
            forget(&path, &"s".into(), &["a".into(), "z".into()]).unwrap(),
            1
        );
        assert_eq!(forget(&path, &"s".into(), &[]).unwrap(), 1);
        assert_eq!(load(&path).0, Pins::default());
    }

    #[test]
    fn a_bad_file_is_set_aside_and_a_newer_one_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pins.json");
        for bad in ["{", "[]", "{\"version\":\"x\"}", "\u{0}"] {
            fs::write(&path, bad).unwrap();
            let (pins, said) = load(&path);
            assert_eq!(pins, Pins::default());
            assert!(
                said.is_some_and(|said| said.contains("pinned anew")),
                "{bad}"
            );
        }
        change(&path, &"s".into(), "l", &changes("a", "1")).unwrap();
        assert_eq!(
            fs::read_to_string(path.with_extension("json.broken")).unwrap(),
            "\u{0}"
        );
        assert!(load(&path).0.record(&"s".into(), "l").is_some());
        let newer = "{\"version\": 7, \"servers\": {}}";
        fs::write(&path, newer).unwrap();
        assert!(load(&path).1.is_some_and(|said| said.contains("version 7")));
        assert!(change(&path, &"s".into(), "l", &changes("a", "1")).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
        fs::write(
            &path,
            "{\"version\": 1, \"servers\": {\"s\": [1, {\"launch\": \"l\"}]}}",
        )
        .unwrap();
        let (pins, said) = load(&path);
        assert!(pins.record(&"s".into(), "l").is_some());
        assert!(said.is_some_and(|said| said.contains("1 of its records")));
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pins.json");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..10 {
                        let tool = format!("t{writer}_{number}");
                        change(path, &"s".into(), "l", &changes(&tool, "1")).unwrap();
                    }
                });
            }
        });
        assert_eq!(
            load(&path).0.record(&"s".into(), "l").unwrap().tools.len(),
            40
        );
    }
}
