//! What good tables come to.

use std::path::PathBuf;
use std::time::Duration;

use mcpdeck::config::{
    Access, AllowRule, ApprovePolicy, Bundled, Environment, Flags, Grant, KeySource, Launch,
    OauthSettings, Secret, SigningAlgorithm, StdioLaunch, StoreUrl, TransportChoice, load,
};

use crate::{Machine, fixture, names};

#[test]
fn all_valid_fixtures_load_without_a_broken_server() {
    for name in names("valid") {
        let config = fixture("valid", &name).unwrap();
        assert_eq!(config.broken, [], "{name}");
        assert!(!config.servers.is_empty(), "{name}");
    }
}

#[test]
fn the_example_loads_and_shows_every_key() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let vars = [
        ("EXAMPLE_TOKEN", "secret"),
        ("EXAMPLE_API_VERSION", "3"),
        ("LOCAL_MODEL_KEY", "key"),
        ("TRACKER_SECRET", "hush"),
    ];
    let environment = Environment {
        vars: vars.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        cwd: root.clone(),
        config_dir: None,
        home: Some(PathBuf::from("/home/ana")),
    };
    let flags = Flags {
        config: Some("mcp.example.toml".into()),
        ..Flags::default()
    };
    let config = load(&flags, &environment).unwrap();
    assert_eq!(config.broken, []);
    assert_eq!(config.warnings, [""; 0]);
    let names: Vec<&str> = config.servers.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        ["everything", "remote", "tracker", "files", "shop", "crm"]
    );
    assert_eq!(config.model.api_key, Some(Secret::new("key")));
    assert_eq!(config.allow.len(), 1);

    // Every key that a message would offer stands in the example.
    let text = std::fs::read_to_string(root.join("mcp.example.toml")).unwrap();
    let offered = |slip: &str| {
        let machine = Machine::new().project(slip);
        let offered = machine.config().broken[0].error.clone();
        let keys = offered.split_once("one of ").unwrap().1;
        let keys = keys.lines().next().unwrap().split(", ");
        let bare = |key: &str| key.trim_matches('`').to_owned();
        keys.map(bare).collect::<Vec<String>>()
    };
    let mut keys = offered("[mcp_servers.a]\ncommand = 'x'\nzzzzzzzz = 1\n");
    keys.extend(offered(
        "[mcp_servers.a]\nurl = 'https://x.example'\noauth = { zzzzzzzz = 1 }\n",
    ));
    for key in keys {
        // Taken for the sake of pasted tables only.
        if key != "startup_timeout_ms" {
            let shown = format!("{key} = ");
            let tables = [format!(".{key}."), format!(".{key}]")];
            let has_table = tables.iter().any(|table| text.contains(table));
            assert!(text.contains(&shown) || has_table, "{key}");
        }
    }
}

#[test]
fn the_example_needs_no_variable_to_be_checked() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let environment = Environment {
        cwd: root,
        ..Environment::default()
    };
    let flags = Flags {
        config: Some("mcp.example.toml".into()),
        ..Flags::default()
    };
    let config = load(&flags, &environment).unwrap();
    assert!(config.broken.iter().all(|server| !server.enabled));
    let warned = config.warnings.join("\n");
    assert!(warned.contains("`EXAMPLE_TOKEN` is not set"), "{warned}");
}

#[test]
fn a_server_that_is_off_may_lack_a_variable_but_not_be_wrong() {
    let machine = Machine::new().project(
        r#"
        [mcp_servers.off]
        command = "x"
        args = ["${NOT_SET}"]
        enabled = false
        [mcp_servers.slip]
        command = "${NOT_SET}"
        arg = []
        enabled = false
        [mcp_servers.on]
        command = "${NOT_SET}"
        "#,
    );
    let config = machine.config();
    let broken: Vec<_> = config
        .broken
        .iter()
        .map(|b| (b.name.as_str(), b.enabled))
        .collect();
    assert_eq!(broken, [("off", false), ("slip", true), ("on", true)]);
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
}

#[test]
fn a_program_gets_what_its_table_says() {
    let machine = Machine::new().var("WHO", "ana").project(
        r#"
        [mcp_servers.one]
        command = "./bin/server"
        args = ["--for", "${WHO}", "${LEVEL:-info}", "$${WHO}", "./kept"]
        env = { A = "b", WHO = "${WHO}!" }
        env_vars = ["PATH_TO_IT"]
        cwd = "sub"
        required = true
        startup_timeout_sec = 2.5
        tool_timeout_sec = 7
        enabled_tools = ["a", "b"]
        disabled_tools = ["b"]
        approve = "always"
        tools.a.approve = "never"
        "#,
    );
    let config = machine.config();
    let [server] = &config.servers[..] else {
        panic!("{config:?}");
    };
    let program = machine
        .path("project/bin/server")
        .to_string_lossy()
        .into_owned();
    let launch = StdioLaunch {
        shown: [
            program.as_str(),
            "--for",
            "${WHO}",
            "${LEVEL:-info}",
            "$${WHO}",
            "./kept",
        ]
        .map(str::to_owned)
        .into(),
        command: program,
        args: ["--for", "ana", "info", "${WHO}", "./kept"]
            .map(str::to_owned)
            .into(),
        env: [("A", "b"), ("WHO", "ana!")]
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .into(),
        env_vars: vec!["PATH_TO_IT".to_owned()],
        cwd: Some(machine.path("project/sub")),
    };
    assert_eq!(server.launch, Launch::Stdio(launch));
    assert!(server.required && server.enabled);
    assert_eq!(server.startup_timeout, Duration::from_millis(2500));
    assert_eq!(server.tool_timeout, Duration::from_secs(7));
    assert!(server.offers("a") && !server.offers("b") && !server.offers("c"));
    assert_eq!(server.approve_for("a"), ApprovePolicy::Never);
    assert_eq!(server.approve_for("c"), ApprovePolicy::Always);
}

#[test]
fn what_a_variable_holds_is_in_no_rule_and_no_record() {
    let machine = Machine::new().var("HUSH", "s3cret-value").project(
        r#"
        [mcp_servers.one]
        command = "server"
        args = ["--token", "${HUSH}", "--to=${HUSH}"]
        [mcp_servers.two]
        url = "https://example.com/mcp?key=${HUSH}"
        "#,
    );
    let config = machine.config();
    let shown: Vec<String> = config.servers.iter().map(|s| s.launch.identity()).collect();
    assert_eq!(
        shown,
        [
            "server --token ${HUSH} --to=${HUSH}",
            "https://example.com/mcp?key=${HUSH}"
        ]
    );
    for server in &config.servers {
        let record = serde_json::to_string(server).unwrap();
        assert!(
            record.contains("HUSH") && !record.contains("s3cret"),
            "{record}"
        );
    }
    let Launch::Stdio(launch) = &config.servers[0].launch else {
        panic!("{config:?}");
    };
    assert_eq!(
        launch.args,
        ["--token", "s3cret-value", "--to=s3cret-value"]
    );
}

#[test]
fn a_url_gets_all_its_headers() {
    let machine = Machine::new().var("TOKEN", " t \n").var("V", "3").project(
        r#"
        [mcp_servers.one]
        url = "https://example.com/mcp"
        bearer_token_env_var = "TOKEN"
        http_headers = { X-Team = "shop ${V}" }
        env_http_headers = { X-Version = "V" }
        "#,
    );
    let config = machine.config();
    let Launch::Http(http) = &config.servers[0].launch else {
        panic!("{config:?}");
    };
    let headers: Vec<(&str, &str)> = http
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    let expected = [
        ("Authorization", "Bearer t"),
        ("X-Team", "shop 3"),
        ("X-Version", "3"),
    ];
    assert_eq!(headers, expected);
}

#[test]
fn bundled_servers_resolve_their_paths_against_their_file() {
    let machine = Machine::new()
        .user("[mcp_servers.notes]\nbundled = 'filesystem'\nroots = ['notes', '~/x']\ndata_dir = 'kept'\naccess = 'read-only'\n")
        .project("[mcp_servers.shop]\nbundled = 'database'\nurl = 'sqlite:data/shop.db'\n");
    let config = machine.config();
    let notes = Bundled::Filesystem {
        roots: vec![machine.path("config/notes"), machine.path("home/x")],
        data_dir: Some(machine.path("config/kept")),
        access: Access::ReadOnly,
    };
    let shop = Bundled::Database {
        url: StoreUrl::new(
            format!("sqlite:{}", machine.path("project/data/shop.db").display()),
            "",
        ),
        access: Access::Changes,
    };
    assert_eq!(config.servers[0].launch, Launch::Bundled(notes));
    assert_eq!(config.servers[1].launch, Launch::Bundled(shop));
}

#[test]
fn a_bad_server_stops_no_other_and_keeps_its_required() {
    let machine = Machine::new()
        .project("[mcp_servers.a]\ncommand = 3\nrequired = true\n[mcp_servers.b]\ncommand = 'x'\n");
    let config = machine.config();
    assert_eq!(config.servers.len(), 1);
    assert_eq!(config.broken[0].name.as_str(), "a");
    assert!(config.broken[0].required);
}

#[test]
fn a_saved_rule_is_read_back() {
    let machine = Machine::new().user("# mine\n[ui]\ntheme = 'dark'\n");
    let rule = AllowRule {
        server: "files".into(),
        tool: "Quote \" and\nbreak ${X}".to_owned(),
        launch: "sh -c 'a'\\''b'".to_owned(),
    };
    mcpdeck::config::save_allow_rule(&machine.path("config/mcp.toml"), &rule).unwrap();
    assert_eq!(machine.config().allow, [rule]);
}

#[test]
fn each_transport_is_taken_without_a_word() {
    let machine = Machine::new().project(
        r#"
        [mcp_servers.old]
        url = "https://example.com/sse"
        transport = "sse"
        [mcp_servers.new]
        url = "https://example.com/mcp"
        transport = "streamable-http"
        "#,
    );
    let config = machine.config();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let transports = config.servers.iter().map(|server| match &server.launch {
        Launch::Http(http) => http.transport,
        other => panic!("{other:?}"),
    });
    let transports: Vec<TransportChoice> = transports.collect();
    assert_eq!(
        transports,
        [TransportChoice::Sse, TransportChoice::StreamableHttp]
    );
}

#[test]
fn a_password_in_a_database_url_is_used_and_never_shown() {
    let machine = Machine::new().project(
        "[mcp_servers.a]\nbundled = 'database'\nurl = 'postgres://ana:s3cr:et@db.example:5433/shop?sslmode=require'\n\
         [mcp_servers.b]\nbundled = 'crm'\nurl = 'postgres://ana:${DB_PASS:-s3cret}@db.example/crm?password=${PGPASSWORD:-x}'\n\
         [mcp_servers.c]\nbundled = 'crm'\n",
    );
    let config = machine.config();
    let identities: Vec<String> = config.servers.iter().map(|s| s.launch.identity()).collect();
    assert_eq!(
        identities,
        [
            "mcpdeck serve database 'postgres://ana:***@db.example:5433/shop?sslmode=require'",
            "mcpdeck serve crm 'postgres://ana:***@db.example/crm?password=***'",
            "mcpdeck serve crm",
        ]
    );
    let Launch::Bundled(Bundled::Database { url, .. }) = &config.servers[0].launch else {
        panic!("{:?}", config.servers[0].launch);
    };
    assert!(url.expose().contains("s3cr:et") && url.is_secret());
    assert!(!format!("{url:?}").contains("s3cr"), "{url:?}");
}

#[test]
fn a_sign_in_is_what_its_table_says() {
    let machine = Machine::new().var("HUSH", "hush-hush").project(
        r#"
        [mcp_servers.plain]
        url = "https://a.example/mcp"
        [mcp_servers.told]
        url = "https://b.example/mcp"
        [mcp_servers.told.oauth]
        client_id = "deck"
        client_secret = "${HUSH}"
        issuer = "https://login.example"
        scopes = ["read", "write"]
        redirect_port = 8765
        [mcp_servers.alone.oauth]
        grant = "client-credentials"
        client_id = "robot"
        private_key_file = "keys/robot.pem"
        signing_algorithm = "RS256"
        [mcp_servers.alone]
        url = "http://127.0.0.1:1/mcp"
        "#,
    );
    let config = machine.config();
    assert_eq!(config.broken, []);
    let oauth = |at: usize| match &config.servers[at].launch {
        Launch::Http(http) => *http.oauth.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(oauth(0), OauthSettings::default());
    let told = OauthSettings {
        client_id: Some("deck".into()),
        client_secret: Some(Secret::new("hush-hush")),
        issuer: Some("https://login.example".into()),
        scopes: vec!["read".into(), "write".into()],
        redirect_port: Some(8765),
        ..OauthSettings::default()
    };
    assert_eq!(oauth(1), told);
    let alone = oauth(2);
    assert_eq!(alone.grant, Grant::ClientCredentials);
    assert_eq!(alone.signing_algorithm, SigningAlgorithm::RS256);
    match alone.private_key {
        Some(KeySource::File(file)) => {
            assert!(file.ends_with("keys/robot.pem") && file.is_absolute())
        }
        other => panic!("{other:?}"),
    }
    let shown = serde_json::to_string(&config.servers).unwrap() + &format!("{:?}", config.servers);
    assert!(!shown.contains("hush-hush"), "{shown}");
}

#[test]
fn roots_and_the_log_level_are_read_and_a_project_opens_no_folder_but_its_own() {
    let text =
        "roots = ['.', 'sub']\n[mcp_servers.a]\ncommand = 'x'\nroots = []\nlog_level = 'error'\n";
    let config = Machine::new().project(text).config();
    let roots = config.roots.unwrap();
    assert!(roots[1].ends_with("project/sub"), "{roots:?}");
    assert_eq!(config.servers[0].roots, Some(Vec::new()));
    assert_eq!(config.servers[0].log_level.as_deref(), Some("error"));

    for outside in ["/", "..", "sub/../..", "~"] {
        let text = format!("[mcp_servers.a]\ncommand = 'x'\nroots = ['{outside}']\n");
        let error = Machine::new().project(&text).config().broken[0]
            .error
            .clone();
        assert!(
            error.contains("is not inside the folder of this file"),
            "{error}"
        );
    }
    let text = "[mcp_servers.a]\ncommand = 'x'\nlog_level = 'loud'\n";
    let error = Machine::new().project(text).config().broken[0]
        .error
        .clone();
    assert!(error.contains("unknown value `loud`"), "{error}");
}
