//! The architecture test: imports against the layers, crates against their doors, forbidden words in pure files, sizes, and a
//! paragraph at the head of each file.
//!
//! The table is in `house/table.rs`. All violations are printed at once. Each rule is also shown a text that breaks it, because
//! a rule that cannot fail guards nothing.

#[path = "house/controls.rs"]
mod controls;
#[path = "house/rules.rs"]
mod rules;
#[path = "house/source.rs"]
mod source;
#[path = "house/spoken.rs"]
mod spoken;
#[path = "house/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its path relative to it, in order.
fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next)
            .expect("a folder of the sources")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let inside = path.strip_prefix(folder).expect("a path below the folder");
                let name = inside.to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).expect("UTF-8 source")));
            }
        }
    }
    found.sort();
    found
}

fn fail_with(broken: &[String]) {
    assert!(
        broken.is_empty(),
        "{} violations of the house:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_sources_keep_the_laws_of_the_house() {
    let files = rust_files(&root().join("src"));
    assert!(files.len() > 10, "only {} files were found", files.len());
    let broken: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| rules::check(&Source::new(path, text)))
        .map(|v| format!("src/{}:{}: {}", v.path, v.line, v.words))
        .collect();
    fail_with(&broken);
}

#[test]
fn every_layer_of_the_table_exists_and_is_on_the_map_in_lib_rs() {
    let map = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let mut broken = Vec::new();
    for layer in table::LAYERS
        .iter()
        .map(|(name, _)| *name)
        .chain([table::ASIDE])
    {
        let src = root().join("src");
        if !src.join(layer).join("mod.rs").is_file() && !src.join(format!("{layer}.rs")).is_file() {
            broken.push(format!("the layer `{layer}` has no module in src/"));
        }
        if !map.contains(&format!("[`{layer}`]")) {
            broken.push(format!("the map in src/lib.rs does not name [`{layer}`]"));
        }
    }
    fail_with(&broken);
}

/// A row that leads nowhere would let a file of that name be impure the day it appears, with nobody asked.
#[test]
fn every_row_of_the_table_leads_to_a_file() {
    let files = rust_files(&root().join("src"));
    let impure = table::IMPURE.iter().map(|(pattern, _)| *pattern);
    let behind = table::DOORS.iter().flat_map(|(_, behind)| *behind).copied();
    let broken: Vec<String> = impure
        .chain(behind)
        .chain([table::PRINTER])
        .filter(|pattern| {
            !files
                .iter()
                .any(|(path, _)| table::matches(path, pattern) && !path.ends_with("tests.rs"))
        })
        .map(|pattern| format!("`{pattern}` in tests/house/table.rs leads to no file in src/"))
        .collect();
    fail_with(&broken);
}

/// The same for a crate's door: a crate that is no longer used wants its row, and its line in Cargo.toml, away.
#[test]
fn every_crate_with_a_door_is_used_behind_it() {
    let files: Vec<Source> = rust_files(&root().join("src"))
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect();
    let mut broken = Vec::new();
    for (name, behind) in table::DOORS {
        for pattern in *behind {
            let used = files.iter().any(|file| {
                table::matches(&file.path, pattern)
                    && file
                        .paths()
                        .iter()
                        .any(|path| path.segments.first().is_some_and(|first| first == name))
            });
            if !used {
                broken.push(format!("nothing in `{pattern}` names `{name}`"));
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn tests_wait_for_conditions_and_leave_nothing_out() {
    let mut broken = Vec::new();
    let mut waiting = Vec::new();
    for (path, text) in rust_files(&root().join("tests")) {
        let source = Source::new(&path, &text);
        let found = rules::check_test(&source).into_iter();
        broken.extend(found.map(|v| format!("tests/{}:{}: {}", v.path, v.line, v.words)));
        if !rules::waits(&source).is_empty() {
            waiting.push(path);
        }
    }
    for (path, _) in table::WAITS {
        if !waiting.iter().any(|file| file == path) {
            broken.push(format!(
                "tests/{path} waits no more: its row in tests/house/table.rs can go"
            ));
        }
    }
    fail_with(&broken);
}

#[test]
fn each_cell_of_the_readmes_table_is_backed_by_a_test() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let broken = spoken::broken(&readme, |path| fs::read_to_string(root().join(path)).ok());
    fail_with(&broken);
}
