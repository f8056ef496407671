//! What is tried with any bytes: each takes a text that others may send, and panics where a promise is broken.
//!
//! Used twice: by `cargo fuzz` through the small files of `fuzz_targets`, and by `tests/config/fuzz.rs`, which plays the kept
//! inputs of `seeds` and random changes of them with the stable toolchain alone.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mcpdeck::agent::model::assemble::Assembler;
use mcpdeck::agent::model::{Message, ModelEvent, ModelRequest, ToolOffer, Wishes};
use mcpdeck::agent::transcript::{Assistant, Entry};
use mcpdeck::app::App;
use mcpdeck::config::file::{self, Source};
use mcpdeck::config::resolve::{self, Files};
use mcpdeck::config::{Config, Environment, Flags, ModelMode, ThemeChoice};
use mcpdeck::host::{Host, Settings};
use mcpdeck::mcp::wire::lines::LineSplitter;
use mcpdeck::mcp::wire::record::{Direction, WireKind, classify};
use mcpdeck::mcp::wire::redact::Redactor;
use mcpdeck::servers::database::engine::{Bounds, Engine, Query};
use mcpdeck::servers::database::open;
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio_util::sync::CancellationToken;

/// A target: its name and what is done with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 5] = [
    ("wire", wire),
    ("stream", stream),
    ("config", config),
    ("markdown", markdown),
    ("statement", statement),
];

/// Bytes of a server's stdout: any cut into pieces gives the same lines, each line has one meaning, and no secret stays in one.
pub fn wire(bytes: &[u8]) {
    let lines = |piece: usize| {
        let mut splitter = LineSplitter::new(256, 64);
        let mut lines: Vec<_> = bytes
            .chunks(piece)
            .flat_map(|piece| splitter.push(piece))
            .collect();
        lines.extend(splitter.finish());
        lines
    };
    let whole = lines(bytes.len().max(1));
    assert_eq!(whole, lines(1), "one byte at a time");
    assert_eq!(whole, lines(7), "seven bytes at a time");
    let redactor = Redactor::new(["hunter2-secret"]);
    for line in whole {
        let kind = classify(Direction::In, &line.text);
        if matches!(kind, WireKind::Request { .. } | WireKind::Response { .. }) {
            let is_json = serde_json::from_str::<serde_json::Value>(&line.text).is_ok();
            assert!(is_json, "a message that is no JSON: {:?}", line.text);
        }
        let clean = redactor.redact(&line.text);
        assert!(!clean.contains("hunter2-secret"), "{clean:?}");
    }
}

/// Chunks of a model's stream, a line each: whole calls come out, and no text twice.
pub fn stream(bytes: &[u8]) {
    let offer = ToolOffer {
        name: "list".into(),
        description: String::new(),
        schema: serde_json::json!({ "type": "object" }),
    };
    let mut assembler = Assembler::new(&ModelRequest {
        messages: vec![Message::User { text: "go".into() }],
        tools: vec![offer],
        mode: ModelMode::Tools,
        plain_schemas: false,
        more_tokens: false,
        wishes: Wishes::default(),
    });
    let mut shown = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_prefix(b"data: ").unwrap_or(line);
        let Ok(chunk) = serde_json::from_slice(line) else {
            continue;
        };
        let Ok(events) = assembler.chunk(&chunk) else {
            return;
        };
        shown += text(&events);
    }
    if let Ok(events) = assembler.end(true) {
        shown += text(&events);
        let Some(ModelEvent::Done(done)) = events.last() else {
            panic!("no end: {events:?}");
        };
        let ids: std::collections::BTreeSet<_> = done.calls.iter().map(|call| &call.id).collect();
        assert_eq!(ids.len(), done.calls.len(), "two calls of one id");
        assert!(done.calls.iter().all(|call| !call.name.is_empty()));
    }
    assert!(
        shown <= bytes.len() * 4,
        "{shown} bytes of text out of {}",
        bytes.len()
    );
}

fn text(events: &[ModelEvent]) -> usize {
    let of = |event: &ModelEvent| match event {
        ModelEvent::Text(text) => text.len(),
        _ => 0,
    };
    events.iter().map(of).sum()
}

/// An `mcp.toml`: a configuration, or complaints with a place; from a folder's file never a rule that allows calls.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let source = Source {
        shown: "mcp.toml".into(),
        folder: PathBuf::from("/tmp/folder"),
        trusted: false,
    };
    let sources = vec![source];
    let Ok(table) = file::parse(&text, 0, &sources) else {
        return;
    };
    let files = Files {
        sources,
        tables: vec![table],
    };
    let environment = Environment {
        cwd: PathBuf::from("/tmp/folder"),
        ..Environment::default()
    };
    match resolve::resolve(files, &Flags::default(), &environment) {
        Ok(resolved) => assert!(
            resolved.config.allow.is_empty(),
            "a folder allows itself calls"
        ),
        Err(error) => assert!(!error.to_string().trim().is_empty()),
    }
}

/// An answer in Markdown, drawn at a size that its first bytes say: nothing in a cell acts on a terminal.
pub fn markdown(bytes: &[u8]) {
    let (size, text) = bytes.split_at(bytes.len().min(2));
    let side = |at: usize, most: u16| u16::from(size.get(at).copied().unwrap_or(80)) % most;
    let (cols, rows) = (side(0, 140).max(20), side(1, 50).max(8));
    let mut host = Host::new(&Config::default(), Settings::default());
    host.transcript.push(Entry::Assistant(Assistant {
        text: String::from_utf8_lossy(text).into_owned(),
        ..Assistant::default()
    }));
    let app = App::new(host, (cols, rows), ThemeChoice::Mono);
    let mut terminal = Terminal::new(TestBackend::new(cols, rows)).expect("a terminal");
    let drawn = terminal.draw(|frame| {
        draw(&app, &Theme::mono(), frame, &mut Memo::new());
    });
    let buffer = drawn.expect("a frame").buffer.clone();
    for cell in buffer.content() {
        let acts = |c: char| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
        };
        assert!(!cell.symbol().contains(acts), "{:?}", cell.symbol());
    }
}

/// A database of one table, and the file that it lies in.
struct Shop {
    engine: Arc<dyn Engine>,
    file: PathBuf,
    before: Vec<u8>,
    _folder: tempfile::TempDir,
}

static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.db");
    let made = rusqlite::Connection::open(&file).expect("a database");
    made.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, note TEXT); INSERT INTO orders VALUES (1, 2.5, 'a'), (2, 7, 'b');")
        .expect("its rows");
    drop(made);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let engine = runtime
        .block_on(open(&format!("sqlite:{}", file.display()), false))
        .expect("an engine");
    let before = std::fs::read(&file).expect("the file");
    Shop {
        engine,
        file,
        before,
        _folder: folder,
    }
});

/// A statement for the tool that only reads: whatever it says, not a byte of the database changes and no file appears.
pub fn statement(bytes: &[u8]) {
    let shop = &*SHOP;
    let stop = CancellationToken::new();
    let bounds = Bounds::within(Duration::from_millis(500), &stop);
    let query = Query {
        sql: String::from_utf8_lossy(bytes).into_owned(),
        params: Vec::new(),
        limit: 20,
        max_bytes: 10_000,
        skip: 0,
    };
    let _answer_or_refusal = shop.engine.query(&query, &bounds);
    let _plan_or_refusal = shop.engine.explain(&query, &bounds);
    assert_eq!(
        std::fs::read(&shop.file).expect("the file"),
        shop.before,
        "changed by {:?}",
        query.sql
    );
    let folder = shop.file.parent().expect("a folder");
    let files = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(files, 1, "another file after {:?}", query.sql);
}
