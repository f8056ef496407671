//! The table of the house: who stands above whom, which files may touch the world, and which crates stay behind which door.
//!
//! It says the same as the map in `src/lib.rs`. A change here wants its reason in the same commit.

/// The layers; an import goes from a higher number to a lower one, or stays within its layer.
pub const LAYERS: &[(&str, u8)] = &[
    ("ids", 1),
    ("text", 1),
    ("chain", 1),
    ("config", 2),
    // Below `mcp`, whose taps write into it, and without a type of theirs: a body is JSON there.
    ("record", 2),
    ("mcp", 3),
    ("agent", 4),
    ("host", 5),
    ("driver", 6),
    ("app", 7),
    ("view", 8),
    ("terminal", 9),
    ("cli", 10),
];

/// The layer that stands aside: it imports nothing of the crate but what is common, and only `cli` starts it.
pub const ASIDE: &str = "servers";

/// What the layer aside may import: served servers and the client write their records of calls in the same form, and one
/// command verifies both.
pub const COMMON: &[&str] = &["chain"];

/// Pairs that a lower number alone would allow. `terminal` (or, headless, `cli`) introduces the two to each other.
pub const STRANGERS: &[(&str, &str)] = &[("app", "driver")];

/// Files that may touch the clock, the environment, files, processes and `tokio`. All others are pure. A pattern ending in
/// `/` is a folder, one ending in `*` a beginning; a file's own name stands also for the folder that it may grow into.
pub const IMPURE: &[(&str, &str)] = &[
    ("main.rs", "the program"),
    ("cli/", "prints, reads arguments and the environment"),
    ("terminal/", "owns the terminal and the loop"),
    ("driver/", "carries out effects"),
    ("record/file*", "writes and reads the file of a session"),
    ("servers/", "programs of their own"),
    ("chain/files*", "finds and reads the files of a record"),
    ("config/load*", "finds and reads the files and variables"),
    (
        "config/rules*",
        "writes an \"always\" answer into the user's file",
    ),
    (
        "config/trust/store*",
        "keeps which folders' files the person has agreed to",
    ),
    ("mcp/connection/", "speaks to a live server"),
    ("mcp/auth/", "signs in, and keeps what comes of it"),
    ("mcp/transport/", "spawns processes and opens sockets"),
    (
        "mcp/proxy/bridge*",
        "speaks to the children of a proxy's sessions",
    ),
    ("mcp/proxy/listen*", "serves the clients of a proxy"),
    ("mcp/proxy/pipes*", "joins a client's pipes to a server's"),
    ("mcp/proxy/token*", "draws random tokens"),
    ("mcp/proxy/upstream*", "passes requests on to a URL"),
    ("mcp/proxy/watch*", "lets others look on at a proxy"),
    ("mcp/wire/tap*", "reads byte streams"),
    ("mcp/wire/file*", "writes the wire log"),
    ("mcp/wire/live*", "a channel and its reader's rest"),
    ("mcp/wire/passed*", "hides addresses as `secrets` does"),
    (
        "mcp/wire/secrets*",
        "reads the variables that are passed on to a server",
    ),
    ("agent/model/http*", "makes the HTTP client for endpoints"),
    ("agent/model/openai/", "speaks to an endpoint"),
    ("agent/model/detect*", "probes loopback for endpoints"),
    (
        "agent/model/scripted*",
        "plays a script in time as a stream",
    ),
];

/// Crates and the files that may name them, so that a crate's churn stops there. Where a crate is in no row, any file may.
pub const DOORS: &[(&str, &[&str])] = &[
    // The protocol library: sign-ins on our side, the serving side in the bundled servers. Messages to and from servers are
    // JSON as it passes: a round trip through the library's types would lose what they do not know.
    ("rmcp", &["mcp/auth/", "servers/"]),
    ("async_openai", &["agent/model/openai/"]),
    ("tower", &["agent/model/openai/"]),
    // The guard asks one URL that its owner named for the keys that verify tokens.
    (
        "reqwest",
        &[
            "agent/model/",
            "mcp/auth/",
            "mcp/transport/",
            "mcp/proxy/upstream*",
            "servers/guard/keys/",
            // The person of the client under test, who opens a page as a browser would.
            "cli/conformance/",
        ],
    ),
    ("ratatui", &["view/", "terminal/"]),
    ("crossterm", &["terminal/"]),
    // Header values of the revision without a handshake are in it, too.
    (
        "base64",
        &[
            "terminal/clipboard*",
            "app/picture*",
            "cli/save*",
            "servers/",
            "mcp/transport/http/",
        ],
    ),
    // Only with the feature `images`: what a server sent is decoded in one place, and written to the terminal in one.
    ("image", &["view/picture*"]),
    ("ratatui_image", &["terminal/pictures*"]),
    ("pulldown_cmark", &["view/markdown*", "view/page*"]),
    ("syntect", &["view/highlight*"]),
    ("two_face", &["view/highlight*"]),
    ("nucleo_matcher", &["app/fuzzy*"]),
    ("clap", &["cli/"]),
    // The order in which kept answers were used, in one place that bounds them.
    ("lru", &["mcp/policy/cache*"]),
    ("minijinja", &["agent/model/script/"]),
    // What keeps a comment where it was when a file is written back, and what prints TOML for people.
    ("toml_edit", &["config/rules*", "config/import*"]),
    // Arguments are checked twice and apart: before they are sent, and by a bundled server that trusts no client.
    ("jsonschema", &["host/arguments*", "servers/toolbox*"]),
    // The demo makes a shop database of its own, in a workspace of its own.
    (
        "rusqlite",
        &[
            "servers/database/",
            "servers/crm/",
            "servers/sqlite*",
            "cli/demo/",
        ],
    ),
    (
        "tokio_postgres",
        &["servers/postgres/", "servers/database/", "servers/crm/"],
    ),
    // Connections are made in one place, for all who need one.
    ("tokio_postgres_rustls", &["servers/postgres/"]),
    ("deadpool_postgres", &["servers/postgres/"]),
    ("rustls_native_certs", &["servers/postgres/"]),
    // Served to others: the doors of the HTTP side and of the guard.
    // The figures of the client have a door of their own.
    // And so has a proxy.
    (
        "axum",
        &[
            "servers/http/",
            "driver/metrics/",
            "mcp/proxy/listen*",
            "mcp/proxy/upstream*",
        ],
    ),
    ("rustls", &["servers/http/", "servers/postgres/"]),
    ("tokio_rustls", &["servers/http/"]),
    ("hyper", &["servers/http/"]),
    ("hyper_util", &["servers/http/"]),
    ("prometheus_client", &["servers/http/", "driver/metrics/"]),
    // Where a log goes and how much of it is decided in one place; whoever has something to say names `tracing`.
    ("tracing_subscriber", &["cli/logs*"]),
    ("tracing_appender", &["cli/logs*"]),
    ("opentelemetry", &["driver/traces/"]),
    ("opentelemetry_sdk", &["driver/traces/"]),
    ("opentelemetry_otlp", &["driver/traces/"]),
    ("jsonwebtoken", &["servers/guard/"]),
    ("governor", &["servers/guard/"]),
    // Random tokens, and how they are compared.
    ("aws_lc_rs", &["servers/guard/", "mcp/proxy/token*"]),
    // Where a test file says what it looks at: read in one place, and asked in another.
    ("serde_json_path", &["config/cases/"]),
    // What narrows a server's process.
    ("landlock", &["mcp/transport/confine*"]),
    ("keyring_core", &["mcp/auth/keyring*"]),
    ("linux_keyutils_keyring_store", &["mcp/auth/keyring*"]),
    // The supervisor's signals, and the one that no run may die of; the rest are tokio's.
    (
        "signal_hook",
        &["mcp/transport/", "mcp/proxy/pipes*", "cli/mod.rs"],
    ),
    ("ignore", &["servers/filesystem/"]),
    // What changed in a tool's words, and in a file that a call would write, is shown by one piece of code above; the bundled
    // server, which stands aside, has its own for the diffs that it tells.
    ("similar", &["servers/filesystem/", "text/diff*"]),
    // Folders that no path leads out of; the system calls that they have no word for stand beside them.
    ("cap_std", &["servers/filesystem/"]),
    (
        "rustix",
        &[
            "servers/filesystem/",
            "mcp/transport/",
            "mcp/proxy/pipes*",
            "terminal/",
        ],
    ),
];

/// Crates for impure files only.
pub const RUNTIME: &[&str] = &["tokio", "tokio_util", "reqwest", "directories", "tempfile"];

/// What a pure file may not name, by the beginning of a path.
pub const FORBIDDEN_PATHS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::sync::mpsc",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
];

/// What a pure file may not name, by the end of a path: the same things behind an import.
pub const FORBIDDEN_TAILS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "SystemTime::UNIX_EPOCH",
    "Utc::now",
    "Local::now",
    "env::var",
    "env::vars",
    "env::current_dir",
    "thread::spawn",
    "thread::sleep",
];

/// What a pure file may not say, wherever it stands: waiting, and the file system behind `Path`.
pub const FORBIDDEN_TEXT: &[&str] = &[
    ".await",
    "async fn",
    "async move",
    ".canonicalize()",
    ".exists()",
    ".is_dir()",
    ".is_file()",
    ".metadata()",
    ".read_dir()",
    ".read_link()",
    ".symlink_metadata()",
    ".try_exists()",
];

/// Files among the tests that may let time pass, and why. All others wait for an event, or ask `support/until.rs`.
pub const WAITS: &[(&str, &str)] = &[(
    "support/until.rs",
    "looks again, with a limit, where there is no event",
)];

/// Macros that write to stdout or stderr, and the one file that may.
pub const PRINTING: &[&str] = &["println!", "eprintln!", "print!", "eprint!", "dbg!"];
pub const PRINTER: &str = "cli/output.rs";

/// Sizes, in lines.
pub const FILE_LINES: usize = 400;
pub const FUNCTION_LINES: usize = 40;
/// For a function whose body is one `match`: an arm a line is easier to read whole than cut in two.
pub const FLAT_MATCH_LINES: usize = 60;

/// Whether a file is meant by a pattern of the table.
pub fn matches(path: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => {
            path.strip_prefix(beginning)
                .is_some_and(|rest| rest.starts_with(['.', '/', '_']))
                || path == beginning
        }
        None if pattern.ends_with('/') => path.starts_with(pattern),
        None => path == pattern,
    }
}

/// Whether a file belongs to the pure part of the house.
pub fn is_pure(path: &str) -> bool {
    !IMPURE.iter().any(|(pattern, _)| matches(path, pattern))
}

/// The layer that a file or module belongs to: the first part of its path.
pub fn layer_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// A layer's height, or none for a name that is no layer.
pub fn height(layer: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == layer)
        .map(|(_, height)| *height)
}
