//! How a server is started or reached: exactly one of `command`, `url` and `bundled`, each with the keys that belong to it.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::config::file::At;
use crate::config::reader::{Read, Reader};
use crate::config::resolve::oauth::oauth;
use crate::config::secret::Secret;
use crate::config::server::{
    Access, Bundled, HttpLaunch, Launch, StdioLaunch, StoreUrl, TransportChoice,
};

/// The keys that only one kind of server takes, with the kind as a message says it.
const STDIO: [&str; 5] = ["args", "env", "env_vars", "cwd", "confine"];
const HTTP: [&str; 5] = [
    "oauth",
    "bearer_token_env_var",
    "http_headers",
    "env_http_headers",
    "transport",
];
/// `roots` beside the others is what a server is told when it asks, and no part of the launch.
const BUNDLED: [&str; 2] = ["data_dir", "access"];

/// Keys of the file server alone.
const FILES: [&str; 2] = ["roots", "data_dir"];

/// The keys of which a server has exactly one.
pub(super) const WAYS: [&str; 3] = ["command", "url", "bundled"];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Filesystem,
    Database,
    Crm,
}

/// Reads the launch; `None` means that the reader holds the reason.
pub(super) fn launch(reader: &mut Reader<'_>, at: At) -> Option<Launch> {
    let (command, url, bundled) = (
        reader.has("command"),
        reader.has("url"),
        reader.has("bundled"),
    );
    let ways = "`command` (a program), `url` (a server on the network) or `bundled` (one of mcpdeck's own)";
    match (command, url, bundled) {
        (true, false, false) => {
            foreign(reader, "command", &[&HTTP, &BUNDLED]);
            stdio(reader)
        }
        (false, true, false) => {
            foreign(reader, "url", &[&STDIO, &BUNDLED]);
            network(reader)
        }
        (false, _, true) => own(reader),
        (false, false, false) => {
            // A mistyped `command` has been complained about already.
            let slip = |meant: &Option<String>| meant.as_deref().is_some_and(|m| WAYS.contains(&m));
            if !reader.problems.iter().any(|problem| slip(&problem.nearest)) {
                let message = "does not say how the server is started";
                reader.complain(at, "", message, format!("one of {ways}"));
            }
            None
        }
        (true, ..) => {
            let message = if url {
                "both `command` and `url`"
            } else {
                "both `command` and `bundled`"
            };
            reader.complain(at, "", message, format!("only one of {ways}"));
            None
        }
    }
}

/// Notes keys that belong to another kind of server.
fn foreign(reader: &mut Reader<'_>, kind: &str, groups: &[&[&str]]) {
    for key in groups.iter().copied().flatten() {
        let Some(entry) = reader.entry(key) else {
            continue;
        };
        let belongs = match *key {
            "url" => "as a server's only way, or beside `bundled = \"database\"` or `\"crm\"`",
            "roots" | "data_dir" => "beside `bundled = \"filesystem\"`",
            "access" => "beside `bundled`",
            key if STDIO.contains(&key) => "beside `command`",
            _ => "beside `url`",
        };
        reader.complain(
            entry.at,
            key,
            format!("has no meaning beside `{kind}`"),
            format!("this key only {belongs}"),
        );
    }
}

fn stdio(reader: &mut Reader<'_>) -> Option<Launch> {
    let args = reader.words("args").unwrap_or_default();
    let env = secrets(reader, "env");
    let env_vars = names(reader, "env_vars");
    let cwd = reader.string("cwd");
    let cwd = cwd.map(|cwd| reader.context.path(&cwd.value, cwd.at));
    let command = reader.string("command")?;
    if command.value.trim().is_empty() {
        reader.complain(command.at, "command", "is empty", "a program to start");
        return None;
    }
    // A name is looked up on PATH; what looks like a path starts at the file's folder.
    let is_path = command.value.contains(std::path::is_separator);
    let resolved = is_path.then(|| reader.context.path(&command.value, command.at));
    let program = resolved.map_or(command.value, |path| path.to_string_lossy().into_owned());
    Some(Launch::Stdio(StdioLaunch {
        shown: shown(reader, &program),
        command: program,
        args,
        env,
        env_vars,
        cwd,
    }))
}

/// The words of the launch without the values of variables, which may be tokens.
fn shown(reader: &Reader<'_>, program: &str) -> Vec<String> {
    let written = reader.written("command").pop();
    let program = written
        .filter(|command| command.contains("${"))
        .unwrap_or_else(|| program.to_owned());
    let args = reader.written("args").into_iter();
    std::iter::once(program).chain(args).collect()
}

fn secrets(reader: &mut Reader<'_>, key: &str) -> BTreeMap<String, Secret> {
    let read = reader.string_map(key);
    let entry_at = reader.entry(key).map(|entry| entry.at);
    for (name, value) in &read {
        let bad_name = name.is_empty() || name.contains(['=', '\0']);
        if let Some(at) = entry_at
            && bad_name
        {
            reader.complain(
                at,
                key,
                format!("`{name}` cannot be a variable's name"),
                "a name without `=`",
            );
        } else if value.value.contains('\0') {
            let key = format!("{key}.{name}");
            reader.complain(value.at, &key, "holds a NUL character", "text without one");
        }
    }
    read.into_iter()
        .map(|(name, value)| (name, Secret::new(value.value)))
        .collect()
}

/// Names of variables. `NAME=value` is a common slip that would pass nothing through without a word.
fn names(reader: &mut Reader<'_>, key: &str) -> Vec<String> {
    let read = reader.strings(key).unwrap_or_default();
    for name in &read {
        if name.value.is_empty() || name.value.contains(['=', '\0']) {
            reader.complain(
                name.at,
                key,
                format!("`{}` cannot be a variable's name", name.value),
                "names alone; a value belongs in `env`",
            );
        }
    }
    read.into_iter().map(|name| name.value).collect()
}

fn network(reader: &mut Reader<'_>) -> Option<Launch> {
    let transports = [
        ("auto", TransportChoice::Auto),
        ("streamable-http", TransportChoice::StreamableHttp),
        ("sse", TransportChoice::Sse),
    ];
    let transport = reader.choice("transport", &transports).unwrap_or_default();
    let headers = headers(reader);
    let oauth = Box::new(oauth(reader));
    let url = reader.string("url")?;
    if let Err(reason) = web_address(&url.value) {
        let expected = "a URL such as `https://example.com/mcp`";
        reader.complain(url.at, "url", reason, expected);
        return None;
    }
    Some(Launch::Http(HttpLaunch {
        shown: reader.written("url").pop().unwrap_or_default(),
        url: url.value,
        headers,
        transport,
        oauth,
    }))
}

/// Whether a text is an `http://` or `https://` URL, and if not, why. The text itself may hold a key and stays out.
pub(super) fn web_address(text: &str) -> Result<(), String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase) => {
            Err("does not begin with `http://` or `https://`".to_owned())
        }
        Err(error) => Err(format!("not a URL: {error}")),
    }
}

/// All headers of a server: literal ones, those from variables, and the bearer token.
fn headers(reader: &mut Reader<'_>) -> BTreeMap<String, Secret> {
    let mut out = BTreeMap::new();
    for (name, value) in reader.string_map("http_headers") {
        header(
            reader,
            "http_headers",
            &name,
            value.at,
            value.value,
            &mut out,
        );
    }
    for (name, variable) in reader.string_map("env_http_headers") {
        let key = format!("env_http_headers.{name}");
        if let Some(value) = reader.variable(variable.at, &key, &variable.value) {
            header(
                reader,
                "env_http_headers",
                &name,
                variable.at,
                value,
                &mut out,
            );
        }
    }
    if let Some(variable) = reader.string("bearer_token_env_var") {
        let key = "bearer_token_env_var";
        if let Some(token) = reader.variable(variable.at, key, &variable.value) {
            let value = format!("Bearer {}", token.trim());
            header(reader, key, "Authorization", variable.at, value, &mut out);
        }
    }
    out
}

/// Adds a header that HTTP can carry and that is not there yet. Its value stays out of the message.
pub(super) fn header(
    reader: &mut Reader<'_>,
    key: &str,
    name: &str,
    at: At,
    value: String,
    headers: &mut BTreeMap<String, Secret>,
) {
    let expected = "header names and values as HTTP carries them, each header once";
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        reader.complain(
            at,
            key,
            format!("`{name}` cannot be a header's name"),
            expected,
        );
    } else if HeaderValue::from_str(&value).is_err() {
        let message = format!("the value of `{name}` cannot be sent as a header");
        reader.complain(at, key, message, expected);
    } else if headers.keys().any(|known| known.eq_ignore_ascii_case(name)) {
        reader.complain(at, key, format!("`{name}` is set twice"), expected);
    } else {
        headers.insert(name.to_owned(), Secret::new(value));
    }
}

fn own(reader: &mut Reader<'_>) -> Option<Launch> {
    let kinds = [
        ("filesystem", Kind::Filesystem),
        ("database", Kind::Database),
        ("crm", Kind::Crm),
    ];
    let accesses = [
        ("read-only", Access::ReadOnly),
        ("changes", Access::Changes),
        ("read-write", Access::ReadWrite),
    ];
    let access = reader.choice("access", &accesses).unwrap_or_default();
    let kind = reader.choice("bundled", &kinds)?;
    let kind_at = reader.entry("bundled").map(|e| e.at).unwrap_or_default();
    match kind {
        Kind::Filesystem => filesystem(reader, kind_at, access),
        Kind::Database => database(reader, kind_at, access),
        Kind::Crm => crm(reader, access),
    }
}

fn filesystem(reader: &mut Reader<'_>, at: At, access: Access) -> Option<Launch> {
    foreign(
        reader,
        "bundled = \"filesystem\"",
        &[&STDIO, &HTTP, &["url"]],
    );
    let roots = reader.strings("roots");
    let none = roots.as_ref().is_some_and(Vec::is_empty) && reader.problems.is_empty();
    if none || !reader.has("roots") {
        let message = if none { "is empty" } else { "missing" };
        let expected = "the folders that the server may touch, such as `roots = [\".\"]`";
        reader.complain(at, "roots", message, expected);
    }
    let data_dir = reader.string("data_dir");
    let context = reader.context;
    let path = |root: &Read<String>| context.path(&root.value, root.at);
    Some(Launch::Bundled(Bundled::Filesystem {
        roots: roots?.iter().map(path).collect(),
        data_dir: data_dir.as_ref().map(path),
        access,
    }))
}

fn database(reader: &mut Reader<'_>, at: At, access: Access) -> Option<Launch> {
    foreign(reader, "bundled = \"database\"", &[&STDIO, &HTTP, &FILES]);
    if !reader.has("url") {
        let expected = "the database, such as `url = \"sqlite:shop.db\"`";
        reader.complain(at, "url", "missing", expected);
    }
    let url = store_url(reader)?;
    Some(Launch::Bundled(Bundled::Database { url, access }))
}

fn crm(reader: &mut Reader<'_>, access: Access) -> Option<Launch> {
    foreign(reader, "bundled = \"crm\"", &[&STDIO, &HTTP, &FILES]);
    let url = match reader.has("url") {
        true => Some(store_url(reader)?),
        false => None,
    };
    Some(Launch::Bundled(Bundled::Crm { url, access }))
}

fn store_url(reader: &mut Reader<'_>) -> Option<StoreUrl> {
    let url = reader.string("url")?;
    let written = reader.written("url").pop().unwrap_or_default();
    let url = reader.context.database_url(&url.value, url.at);
    Some(StoreUrl::new(url, &written))
}
