//! The fault suite, headless: servers, models and files that misbehave, each beside a server that is well, and after each the
//! same checks (`support/aftermath.rs`).
//!
//! `run` plays one fault through the real binary: `ask --json`, where the model calls the bad server and the good one in the
//! same step, then `list` or `call` by hand for what a person sees. The tables are `tests/fixtures/faults/servers/*.toml`
//! (`table`), `http`, `models`, `files`, and `hostile`: naughty texts through every entry and every exit.

mod files;
mod hostile;
mod http;
mod models;
mod run;
mod table;

/// What the suite promises to hold at least; a table that shrinks is noticed.
#[test]
fn the_tables_are_as_long_as_promised() {
    let servers = table::count() + http::count();
    assert!(servers >= 60, "{servers} faults of servers");
    assert!(
        models::count() >= 30,
        "{} faults of models",
        models::count()
    );
    assert!(files::count() >= 20, "{} faults of files", files::count());
}
