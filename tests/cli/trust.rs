//! A folder's `mcp.toml` on the command line: refused until the person agrees, and bound to what they agreed to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::json;

use crate::deck::{BIN, Ran, model_at, quoted, ran, says};
use crate::endpoint::{Endpoint, Reply};
use crate::home::Home;

/// A home whose work folder has this `mcp.toml`.
struct Folder {
    home: Home,
}

impl Folder {
    fn new(config: &str) -> Self {
        let home = Home::new();
        home.write("mcp.toml", config);
        Self { home }
    }

    /// A server that leaves a mark when it is started.
    fn marking() -> Self {
        let home = Home::new();
        let mark = home.path("mark");
        let folder = Self { home };
        folder
            .home
            .write("mcp.toml", &marking("s", &mark.to_string_lossy()));
        folder
    }

    fn was_started(&self) -> bool {
        self.home.path("mark").exists()
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.home.command(BIN);
        command.env("SECRET_OF_MINE", "value-of-secret");
        ran(command.args(args).stdin(Stdio::null()))
    }
}

fn marking(name: &str, mark: &str) -> String {
    format!(
        "[mcp_servers.{name}]\ncommand = \"/bin/sh\"\nargs = [\"-c\", {}]\nenv_vars = [\"SECRET_OF_MINE\"]\n",
        quoted(&format!("touch {mark}; exit 3"))
    )
}

#[test]
fn nothing_of_an_unknown_folder_is_started_and_the_refusal_says_what_it_would_be() {
    let folder = Folder::marking();
    for args in [
        &["list"][..],
        &["list", "s"],
        &["call", "s", "t"],
        &["ask", "hello"],
        &["read", "s", "x://y"],
        &["login", "s"],
    ] {
        let refused = folder.run(args).expect(2);
        assert!(!folder.was_started(), "{args:?} started it");
        assert_eq!(refused.out, "");
        for word in [
            "mcp.toml is not trusted yet",
            "/bin/sh -c",
            "SECRET_OF_MINE",
            "mcpdeck trust",
            "--trust",
        ] {
            assert!(refused.err.contains(word), "{word}: {refused}");
        }
        assert!(!refused.err.contains("value-of-secret"), "{refused}");
    }
    // The control: the same file starts it once it is agreed to.
    folder.run(&["list", "--trust"]);
    assert!(folder.was_started());
}

#[test]
fn what_starts_nothing_needs_no_trust() {
    let folder = Folder::marking();
    folder.run(&["config", "check"]).expect(0);
    folder.run(&["config", "path"]).expect(0);
    folder.run(&["auth", "status"]).expect(0);
    folder.run(&["undo", "--list"]).expect(0);
    assert!(!folder.was_started());
}

#[test]
fn the_persons_own_words_need_no_trust() {
    let folder = Folder::marking();
    folder.run(&["list", "--config", "mcp.toml"]);
    assert!(folder.was_started(), "`--config` is the person's word");

    let home = Home::new();
    let text = marking("s", &home.path("mark").to_string_lossy());
    fs::write(home.config_dir().join("mcp.toml"), text).expect("the own file");
    let folder = Folder { home };
    folder.run(&["list"]);
    assert!(folder.was_started(), "the person's own file");

    let folder = Folder::new("[ui]\ntheme = \"dark\"\n");
    folder.run(&["list"]).expect(0);
}

#[test]
fn a_yes_lasts_until_the_file_changes_or_it_is_taken_back() {
    let folder = Folder::marking();
    // Nobody can be asked, and nobody said yes.
    let unasked = folder.run(&["trust"]).expect(2);
    assert!(unasked.err.contains("--yes"), "{unasked}");
    folder.run(&["list"]).expect(2);
    // `--trust` holds for its own run only.
    folder.run(&["list", "--trust"]);
    fs::remove_file(folder.home.path("mark")).expect("the mark");
    folder.run(&["list"]).expect(2);

    let agreed = folder.run(&["trust", "--yes"]).expect(0);
    assert!(
        agreed.out.contains("Server s") && agreed.out.contains("PATH HOME"),
        "{agreed}"
    );
    assert!(!folder.was_started(), "agreeing starts nothing");
    folder.run(&["list"]);
    assert!(folder.was_started());
    let book = folder.home.data_dir().join("trust.json");
    let mode = fs::metadata(&book).expect("the book").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let listed = folder.run(&["trust", "list", "--json"]).expect(0).json();
    assert_eq!(listed["trusted"][0]["state"], "as it was");

    // Another content is another file, and what changed is told.
    fs::remove_file(folder.home.path("mark")).expect("the mark");
    let mark = folder.home.path("mark");
    folder
        .home
        .write("mcp.toml", &marking("other", &mark.to_string_lossy()));
    let refused = folder.run(&["list"]).expect(2);
    assert!(!folder.was_started());
    for word in [
        "has changed since you trusted it",
        "- Server s",
        "+ Server other",
    ] {
        assert!(refused.err.contains(word), "{word}: {refused}");
    }
    folder.run(&["trust", "--yes", "mcp.toml"]).expect(0);
    folder.run(&["untrust"]).expect(0);
    folder.run(&["list"]).expect(2);
    assert!(!folder.was_started());

    // A book that cannot be read trusts nobody, and is mended by the next yes.
    folder.run(&["trust", "--yes", "."]).expect(0);
    fs::write(&book, "{ broken").expect("the book");
    folder.run(&["list"]).expect(2);
    folder.run(&["trust", "--yes"]).expect(0);
    folder.run(&["list"]);
    assert!(folder.was_started());
}

#[test]
fn trust_is_for_folders_that_have_a_file_to_agree_to() {
    let folder = Folder::new("");
    let said = folder.run(&["trust"]).expect(0);
    assert!(said.err.contains("needs no trust"), "{said}");
    fs::create_dir(folder.home.work().join("empty")).expect("a folder");
    let said = folder.run(&["trust", "empty"]).expect(2);
    assert!(said.err.contains("there is no"), "{said}");
    folder.home.write("other.toml", "");
    let said = folder.run(&["trust", "other.toml"]).expect(2);
    assert!(said.err.contains("--config"), "{said}");
    let said = folder.run(&["trust", "list"]).expect(0);
    assert_eq!(said.out, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_goes_to_an_endpoint_that_an_unknown_folder_names() {
    let endpoint = Endpoint::start(|request| match request.method.as_str() {
        "GET" => Reply::json(200, &json!({ "data": [{ "id": "test" }] })),
        _ => Reply::chunks(&says("hello")),
    })
    .await;
    let model = model_at(&endpoint.base_url()) + "api_key_env = \"SECRET_OF_MINE\"\n";
    let folder = Folder::new(&model);
    let refused = crate::deck::blocking(|| folder.run(&["ask", "hi"])).expect(2);
    assert!(
        refused.err.contains("your key in SECRET_OF_MINE goes to"),
        "{refused}"
    );
    assert!(endpoint.seen().is_empty(), "it was asked without a yes");
    // The control: with a yes it gets the key.
    crate::deck::blocking(|| folder.run(&["ask", "hi", "--trust"])).expect(0);
    let seen = endpoint.seen();
    let keys: Vec<_> = seen
        .iter()
        .filter_map(|request| request.header("authorization"))
        .collect();
    assert!(keys.contains(&"Bearer value-of-secret"), "{keys:?}");
}

#[test]
fn an_undo_moves_no_files_by_a_journal_that_an_unknown_folder_brings() {
    let config =
        "[mcp_servers.files]\nbundled = \"filesystem\"\nroots = [\".\"]\ndata_dir = \"theirs\"\n";
    let folder = Folder::new(config);
    let listed = folder.run(&["undo", "--list"]).expect(0);
    assert!(
        listed.err.contains("not trusted and was left alone"),
        "{listed}"
    );
    let listed = folder.run(&["undo", "--list", "--trust"]).expect(0);
    assert!(!listed.err.contains("not trusted"), "{listed}");
}
