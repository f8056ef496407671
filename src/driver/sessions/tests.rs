//! The files of sessions on a real disk, and on one whose operations fail one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::store::Store;
use super::writer::{Place, Writer};
use crate::driver::clock::Clock;
use crate::host::session::{FORMAT, Line, Reading, SessionEvent, SessionWish, SessionWrite, Shelf};
use crate::ids::Moment;
use crate::mcp::wire::redact::Redactor;

pub(super) fn place(data: &Path) -> Place {
    let folder = PathBuf::from("/work/here");
    Place::new(
        data.to_owned(),
        folder,
        Some("/work/here/mcp.toml".into()),
        Clock::start(),
    )
}

fn user(text: &str) -> Line {
    Line::User {
        text: text.to_owned(),
        at: Moment(5),
        sent: true,
    }
}

pub(super) fn order(conversation: u64, batch: u64, texts: &[&str], sync: bool) -> SessionWrite {
    SessionWrite {
        conversation,
        batch,
        lines: texts.iter().map(|text| user(text)).collect(),
        sync,
        last: false,
    }
}

fn id_of(event: SessionEvent) -> String {
    match event {
        SessionEvent::Written { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

fn said(path: &Path) -> Vec<String> {
    let reading = Reading::of(&fs::read(path).unwrap());
    assert_eq!(
        (reading.garbage, reading.torn),
        (0, false),
        "{}",
        path.display()
    );
    let text = |line: Line| match line {
        Line::User { text, .. } => text,
        other => panic!("{other:?}"),
    };
    reading.lines.into_iter().map(text).collect()
}

fn open(writer: &mut Writer, id: &str, conversation: u64) -> (usize, Option<String>) {
    let id = id.to_owned();
    match writer.wish(SessionWish::Open { id, conversation }) {
        SessionEvent::Opened { record, copy, .. } => (record.entries.len(), copy),
        other => panic!("{other:?}"),
    }
}

pub(super) fn files(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data.join("sessions")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_file_is_made_with_the_first_lines_for_its_owner_alone_and_without_secrets() {
    let data = tempfile::tempdir().unwrap();
    let mut place = place(data.path());
    place.redactor = Redactor::new(["hunter2\"hunter2"]).into();
    let mut writer = Writer::new(place);
    assert_eq!(files(data.path()), Vec::<PathBuf>::new());
    let secrets = "key hunter2\"hunter2, {\"api_key\": \"abcdef\"} and sk-0123456789abcdefghij";
    let id = id_of(writer.write(order(0, 1, &[secrets], true)));
    let path = Store::of(data.path()).path(&id);
    assert_eq!(said(&path), ["key ***, {\"api_key\": \"***\"} and sk-***"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("abcdef"),
        "{text}"
    );
    let header = Reading::of(text.as_bytes()).header.unwrap();
    assert_eq!((header.format, header.id), (FORMAT, id));
    assert_eq!(header.folder, Path::new("/work/here"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
    // On the wall's time.
    let now = super::store::micros(SystemTime::now());
    assert!(now.since(header.started).as_secs() < 60);
}

#[test]
fn one_goes_on_in_the_same_file_and_another_conversation_has_its_own() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(place(data.path()));
    let id = id_of(writer.write(order(0, 1, &["a"], true)));
    let other = id_of(writer.write(order(1, 2, &["x"], true)));
    assert_ne!(id, other);
    assert_eq!(open(&mut writer, &id, 2), (1, None));
    assert_eq!(id_of(writer.write(order(2, 3, &["b"], true))), id);
    drop(writer);
    let store = Store::of(data.path());
    assert_eq!(said(&store.path(&id)), ["a", "b"]);
    assert_eq!(said(&store.path(&other)), ["x"]);
}

#[test]
fn a_second_window_gets_a_copy_and_the_first_ones_file_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let (mut first, mut second) = (
        Writer::new(place(data.path())),
        Writer::new(place(data.path())),
    );
    let id = id_of(first.write(order(0, 1, &["a", "b"], true)));
    let (entries, copy) = open(&mut second, &id, 1);
    assert_eq!(
        (entries, copy.as_deref()),
        (2, Some("another window has it open"))
    );
    assert_eq!(
        files(data.path()).len(),
        1,
        "no copy before something is said"
    );
    let copy = id_of(second.write(order(1, 1, &["theirs"], true)));
    assert_ne!(copy, id);
    id_of(first.write(order(0, 2, &["ours"], true)));
    let store = Store::of(data.path());
    assert_eq!(said(&store.path(&id)), ["a", "b", "ours"]);
    assert_eq!(said(&store.path(&copy)), ["a", "b", "theirs"]);
    let header = Reading::of(&fs::read(store.path(&copy)).unwrap())
        .header
        .unwrap();
    assert_eq!(header.from, Some(id.clone()));
    assert_eq!(header.id, copy);
    let why = store.delete(&id).unwrap_err();
    assert!(why.contains("another window has it open"), "{why}");
    assert!(store.rename(&id, "x").is_err());
    drop(first);
    store.rename(&id, "Tên mới").unwrap();
    store.delete(&id).unwrap();
    assert_eq!(files(data.path()).len(), 1);
}

#[test]
fn a_conversation_that_is_over_lets_its_file_go() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(place(data.path()));
    let id = id_of(writer.write(order(0, 1, &["a"], true)));
    let mut last = order(0, 2, &["b"], true);
    last.last = true;
    assert_eq!(id_of(writer.write(last)), id);
    assert_eq!(open(&mut writer, &id, 1), (2, None));
    let mut last = order(1, 3, &[], true);
    last.last = true;
    assert_eq!(id_of(writer.write(last)), id);
    let deleted = writer.wish(SessionWish::Delete { id });
    assert!(matches!(deleted, SessionEvent::Done { .. }), "{deleted:?}");
    assert_eq!(files(data.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_newer_file_is_read_and_never_written() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(place(data.path()));
    let id = id_of(writer.write(order(0, 1, &["a"], true)));
    writer.write(order(1, 2, &["x"], true));
    let path = Store::of(data.path()).path(&id);
    let newer = fs::read_to_string(&path).unwrap().replacen(
        &format!("\"format\":{FORMAT}"),
        &format!("\"format\":{},\"mood\":\"blue\"", FORMAT + 1),
        1,
    );
    fs::write(&path, newer.clone() + "{\"line\":\"dream\"}\n").unwrap();
    let (entries, copy) = open(&mut writer, &id, 2);
    assert_eq!(entries, 1);
    assert!(copy.unwrap().contains("newer than this one"));
    let copy = id_of(writer.write(order(2, 3, &["b"], true)));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        newer + "{\"line\":\"dream\"}\n"
    );
    assert_eq!(said(&Store::of(data.path()).path(&copy)), ["a", "b"]);
    assert!(Store::of(data.path()).rename(&id, "x").is_err());
}

#[test]
fn a_torn_line_goes_and_a_last_line_without_an_end_stays() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(place(data.path()));
    let id = id_of(writer.write(order(0, 1, &["a"], true)));
    writer.write(order(1, 2, &["x"], true));
    let path = Store::of(data.path()).path(&id);
    let good = fs::read(&path).unwrap();
    for (conversation, tail) in [
        (2, &b"{\"line\":\"user\",\"te"[..]),
        (3, b""),
        (4, b"\0\0\0"),
    ] {
        let mut file = good.clone();
        match tail {
            b"" => {
                file.pop();
            }
            torn => file.extend_from_slice(torn),
        }
        fs::write(&path, file).unwrap();
        assert_eq!(open(&mut writer, &id, conversation), (1, None));
        writer.write(order(conversation, 3, &["b"], true));
        assert_eq!(said(&path), ["a", "b"]);
        writer.write(order(conversation + 100, 4, &["y"], true));
    }
}

#[test]
fn a_removed_file_is_noticed_and_a_folder_that_cannot_be_made_is_said_and_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(place(data.path()));
    let id = id_of(writer.write(order(0, 1, &["a"], true)));
    fs::remove_dir_all(data.path().join("sessions")).unwrap();
    let event = writer.write(order(0, 2, &["b"], true));
    assert_eq!(event, SessionEvent::Gone { conversation: 0 });
    let again = id_of(writer.write(order(1, 3, &["a", "b"], true)));
    assert_ne!(id, again);
    assert_eq!(said(&Store::of(data.path()).path(&again)), ["a", "b"]);

    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    fs::write(&data, "a file where a folder should be").unwrap();
    let mut writer = Writer::new(place(&data));
    for batch in 1..3 {
        match writer.write(order(0, batch, &["a"], true)) {
            SessionEvent::Unwritten { why, .. } => assert!(why.contains("data/sessions"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    fs::remove_file(&data).unwrap();
    let id = id_of(writer.write(order(0, 3, &["b"], true)));
    assert_eq!(said(&Store::of(&data).path(&id)), ["a", "a", "b"]);
}

#[test]
fn sessions_are_listed_found_by_the_beginning_of_their_name_and_by_their_folder() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::of(data.path());
    assert_eq!(store.list(10, SystemTime::now()), Shelf::default());
    let mut writer = Writer::new(place(data.path()));
    let first = id_of(writer.write(order(0, 1, &["Chào\nbạn", "b"], true)));
    let second = id_of(writer.write(order(1, 2, &["你好 🌏"], true)));
    fs::write(data.path().join("sessions/../sessions/notes.txt"), "x").unwrap();
    let old = SystemTime::now() - std::time::Duration::from_secs(7200);
    let file = fs::File::options()
        .append(true)
        .open(store.path(&first))
        .unwrap();
    file.set_modified(old).unwrap();
    let shelf = store.list(10, SystemTime::now());
    let rows: Vec<_> = shelf
        .sessions
        .iter()
        .map(|of| {
            (
                of.id.as_str(),
                of.name.as_str(),
                of.turns,
                of.open,
                of.age.as_secs() / 3600,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (second.as_str(), "你好 🌏", 1, true, 0),
            (first.as_str(), "Chào", 2, false, 2)
        ]
    );
    assert_eq!(store.list(1, SystemTime::now()).more, 1);
    assert_eq!(store.find(&first).unwrap(), first);
    assert_eq!(store.find(&first.to_uppercase()).unwrap(), first);
    assert!(store.find("0").unwrap_err().contains("2 sessions begin"));
    assert!(
        store
            .find("../x")
            .unwrap_err()
            .contains("there is no session")
    );
    let (folder, config) = (Path::new("/work/here"), Path::new("/work/here/mcp.toml"));
    assert_eq!(store.latest(folder, Some(config)).unwrap(), Some(second));
    assert_eq!(store.latest(folder, None).unwrap(), None);
    assert_eq!(
        store.latest(Path::new("/work"), Some(config)).unwrap(),
        None
    );
}
