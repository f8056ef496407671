//! Statements that try to change, to leave or to exhaust the database, on the server and on a check that looks at the text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use mcpdeck::cli::demo::workspace;
use rmcp::ClientServiceExt;
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest};
use rmcp::service::PeerRequestOptions;
use serde_json::{Value, json};

use crate::client::{LIMIT, Served, command, modern};
use crate::sql_generator::{Attack, Generator};

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

const WRITES: &[&str] = &[
    "DELETE FROM order_items",
    "SELECT 1; DELETE FROM order_items",
    "SELECT 1;;; DROP TABLE order_items;",
    "SELECT 1 /* ; */ ; UPDATE orders SET total = 7 --",
    "/* SELECT */ UPDATE orders SET total = 7",
    "WITH x AS (SELECT 1) DELETE FROM order_items",
    "WITH x AS (SELECT 1) INSERT INTO products SELECT 99, 'x', 'x', 'x', 1 FROM x",
    "DELETE FROM order_items RETURNING id",
    "INSERT INTO products VALUES (99, 'x', 'x', 'x', 1) RETURNING *",
    "REPLACE INTO products VALUES (1, 'x', 'x', 'x', 1)",
    "CREATE TABLE t (x)",
    "CREATE TEMP TABLE t AS SELECT * FROM orders",
    "CREATE TEMP VIEW t AS SELECT 1",
    "CREATE VIRTUAL TABLE t USING fts5(x)",
    "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM order_items; END",
    "ALTER TABLE orders RENAME TO o",
    "DROP TABLE order_items",
    "ATTACH DATABASE 'stolen.db' AS s",
    "ATTACH DATABASE ':memory:' AS s",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "REINDEX",
    "ANALYZE",
    "BEGIN IMMEDIATE",
    "SAVEPOINT s",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode(DELETE)",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA trusted_schema = ON",
    "PRAGMA user_version = 7",
    "PRAGMA user_version(7)",
    "PRAGMA application_id = 7",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA incremental_vacuum",
    "PRAGMA optimize",
    "PRAGMA hard_heap_limit = 0",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA main.user_version = 7",
    "SELECT * FROM pragma_user_version; PRAGMA user_version = 7",
    "SELECT load_extension('./evil.so')",
    "SELECT load_extension('./evil.so', 'main') FROM customers",
    "EXPLAIN DELETE FROM order_items; DELETE FROM order_items",
    "SELECT writefile('x', 'y')",
];

/// The refusals that count: a statement that fails for another reason would prove nothing.
const REASONS: &[&str] = &[
    "query_database only reads",
    "one statement at a time",
    "no such function: writefile",
];

const HEAVY: &[&str] = &[
    ENDLESS,
    "SELECT length(randomblob(900000000))",
    "SELECT trim(replace(hex(zeroblob(8000000)), '0', 'a'), replace(hex(zeroblob(8000000)), '0', 'b') || 'a')",
    "SELECT instr(replace(hex(zeroblob(15000000)), '0', 'a'), replace(hex(zeroblob(7000000)), '0', 'a') || 'b')",
    "SELECT replace(hex(zeroblob(8000000)), '0', 'a') LIKE '%' || replace(hex(zeroblob(400)), '0', 'a') || 'b'",
    "SELECT replace(hex(zeroblob(8000000)), '0', 'a') GLOB '*' || replace(hex(zeroblob(400)), '0', 'a') || '[b]'",
    "SELECT instr(zeroblob(30000000), zeroblob(15000000) || x'01')",
    "SELECT length(replace(hex(zeroblob(15000000)), hex(zeroblob(7000000)) || '1', 'x'))",
    "SELECT unhex(replace(hex(zeroblob(8000000)), '0', 'z'), replace(hex(zeroblob(8000000)), '0', 'y') || 'z')",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000), j(x) AS (SELECT json_group_object('k' || i, i) FROM n) SELECT json_patch(x, replace(x, 'k', 'l')) FROM j",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40000000) SELECT sum(i) FROM n ORDER BY 1",
    "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT json_array(i, json_object('a', i)) AS j FROM n), json_tree(j)",
    "SELECT length(zeroblob(2000000000))",
    "SELECT length(hex(zeroblob(60000000)))",
    "SELECT length(printf('%900000000d', 1))",
    "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e, order_items f",
    "WITH RECURSIVE n(i, s) AS (SELECT 1, randomblob(1000000) UNION SELECT i + 1, randomblob(1000000) FROM n) SELECT max(i) FROM n",
    "SELECT group_concat(hex(randomblob(100000))) FROM order_items a, order_items b, order_items c",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n ORDER BY i DESC",
];

/// The check of the prototype: the text begins with SELECT, so it is harmless.
fn looks_harmless(sql: &str) -> bool {
    sql.trim().to_uppercase().starts_with("SELECT")
}

/// What the prototype does then, on a connection that may write.
fn naive(database: &Path, sql: &str) {
    let mut connection = rusqlite::Connection::open(database).unwrap();
    // Only so that the test ends: the prototype has no such thing.
    let began = Instant::now();
    let over = move || began.elapsed() > Duration::from_millis(20);
    connection.progress_handler(1000, Some(over)).unwrap();
    let length = rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH;
    connection.set_limit(length, 1_000_000).unwrap();
    let _refused_by_the_engine = connection.execute_batch(sql);
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A server whose current and temporary folders are nobody else's.
async fn start_in(folder: &Path, database: &Path, millis: &str) -> Served {
    let data = tempfile::tempdir().unwrap();
    let mut child = command(&["database", database.to_str().unwrap()], data.path())
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env("SQLITE_TMPDIR", folder)
        .env("MCPDECK_QUERY_TIMEOUT_MS", millis)
        .spawn()
        .unwrap();
    let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let client = ().serve_with_lifecycle(pipes, modern());
    let client = tokio::time::timeout(LIMIT, client).await.unwrap().unwrap();
    let tools = client.list_all_tools().await.unwrap();
    Served {
        client,
        child,
        data,
        tools,
    }
}

/// Sends a statement; its refusal, if it was refused, and how long it took.
async fn send(server: &Served, attack: &Attack) -> (Option<String>, Duration) {
    let arguments = json!({"sql": attack.sql, "params": attack.params, "limit": 50});
    let mut params = CallToolRequestParams::new("query_database");
    params.arguments = arguments.as_object().cloned();
    let began = Instant::now();
    let call = tokio::time::timeout(LIMIT, server.client.call_tool(params)).await;
    let result = call.unwrap_or_else(|_| panic!("no answer: {}", attack.sql));
    let result = result.unwrap_or_else(|error| panic!("{}: {error}", attack.sql));
    let text = result.content.iter().find_map(|block| block.as_text());
    let text = text.map(|block| block.text.clone()).unwrap_or_default();
    (
        result.is_error.unwrap_or(false).then_some(text),
        began.elapsed(),
    )
}

/// The most memory that the process ever held; none where the system does not tell.
fn peak_kib(server: &Served) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id()?)).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches("kB").trim().parse().ok()
}

#[tokio::test]
async fn ten_thousand_generated_statements_change_nothing_and_the_naive_check_lets_some_through() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let made = rusqlite::Connection::open(&database).unwrap();
    made.execute_batch(
        "CREATE VIRTUAL TABLE notes USING fts5(text); INSERT INTO notes VALUES ('one two');
         CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
         CREATE VIEW paid AS SELECT * FROM orders WHERE status = 'paid';
         CREATE TRIGGER gone INSTEAD OF DELETE ON paid BEGIN DELETE FROM orders WHERE id = OLD.id; END;",
    )
    .unwrap();
    drop(made);
    let (here, loot) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (before, around) = (fs::read(&database).unwrap(), files(dir.path()));
    let attacks: Vec<Attack> = Generator::new(20_260_731, loot.path())
        .take(10_000)
        .collect();

    let server = start_in(here.path(), &database, "300").await;
    let began = Instant::now();
    let mut told: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let server = &server;
    let mut answers = futures::stream::iter(&attacks)
        .map(|attack| async move { (attack, send(server, attack).await) })
        .buffered(8);
    while let Some((attack, (refusal, took))) = answers.next().await {
        let count = told.entry(attack.kind).or_default();
        count.0 += 1;
        count.1 += usize::from(refusal.is_some());
        assert!(
            refusal.is_some() || !attack.writes,
            "went through: {}",
            attack.sql
        );
        assert!(took < Duration::from_secs(15), "{took:?}: {}", attack.sql);
    }
    drop(answers);
    assert!(told.values().all(|(sent, _)| *sent > 50), "{told:?}");
    // The reading ones are no empty threat: some of each kind run.
    assert!(told["reads"].1 < told["reads"].0, "{told:?}");
    server
        .good(
            "query_database",
            json!({"sql": "SELECT count(*) FROM orders"}),
        )
        .await;
    assert!(
        peak_kib(server).is_none_or(|kib| kib < 600 * 1024),
        "{:?}",
        peak_kib(server)
    );
    assert_eq!(fs::read(&database).unwrap(), before);
    assert_eq!(files(dir.path()), around);
    assert_eq!(
        (files(here.path()), files(loot.path())),
        (Vec::new(), Vec::new())
    );

    println!("sent and refused by kind: {told:?}, {:?}", began.elapsed());

    // The same statements, put to a check of the text on a connection that may write.
    let copy = here.path().join("copy.db");
    fs::write(&copy, &before).unwrap();
    let mut let_through = 0;
    for attack in attacks.iter().filter(|a| looks_harmless(&a.sql)) {
        let loot_before = files(loot.path()).len();
        naive(&copy, &attack.sql);
        let changed = fs::read(&copy).unwrap() != before;
        if changed {
            fs::write(&copy, &before).unwrap();
        }
        let_through += usize::from(changed || files(loot.path()).len() > loot_before);
    }
    println!(
        "the naive check let {let_through} through, {:?}",
        began.elapsed()
    );
    assert!(let_through > 100, "the control let {let_through} through");
}

#[tokio::test]
async fn no_known_attack_changes_the_database_or_makes_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let (before, around) = (fs::read(&database).unwrap(), files(dir.path()));
    let here = tempfile::tempdir().unwrap();
    let server = start_in(here.path(), &database, "30000").await;
    for sql in WRITES {
        let said = server.refused("query_database", json!({"sql": sql})).await;
        let by_the_engine = REASONS.iter().any(|reason| said.contains(reason));
        assert!(by_the_engine, "{sql}: {said}");
        assert_eq!(fs::read(&database).unwrap(), before, "{sql}");
    }
    assert_eq!(files(dir.path()), around);
    assert_eq!(files(here.path()), Vec::<String>::new());
    // The connection still answers, and what only tells is allowed.
    for sql in [
        "SELECT count(*) FROM orders;  -- done",
        "PRAGMA table_info(orders)",
        "PRAGMA user_version",
        "EXPLAIN QUERY PLAN SELECT * FROM orders",
        "SELECT * FROM pragma_index_list('orders')",
    ] {
        let data = server.good("query_database", json!({"sql": sql})).await;
        assert_ne!(data["row_count"], 0, "{sql}");
    }
}

/// What replaces the engine's own functions answers as they do.
#[tokio::test]
async fn the_bounded_functions_answer_like_the_engines_own() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let server = Served::start(&["database", database.to_str().unwrap()]).await;
    let own = rusqlite::Connection::open_in_memory().unwrap();
    let values = [
        "NULL",
        "''",
        "'xaxbx'",
        "'x'",
        "12.50",
        "7",
        "x'6178'",
        "'{\"x\":[1,2]}'",
        "1e300",
        "'món ăn'",
        "'ă'",
    ];
    let mut columns = Vec::new();
    for a in values {
        for b in values {
            for name in ["instr", "trim", "ltrim", "rtrim", "unhex"] {
                columns.push(format!("quote({name}({a}, {b}))"));
            }
            columns.push(format!("quote(replace({a}, {b}, 'é'))"));
            for op in ["LIKE", "NOT LIKE", "GLOB"] {
                columns.push(format!("quote({a} {op} {b})"));
            }
            columns.push(format!("typeof(replace({a}, {b}, {a}))"));
        }
    }
    columns.push("'50%' LIKE '50\\%' ESCAPE '\\'".to_owned());
    columns.push("json_array(json_patch('{\"a\":1}', '{\"b\":2}'))".to_owned());
    for columns in columns.chunks(90) {
        let sql = format!("SELECT json_array({})", columns.join(", "));
        let wanted: String = own.query_row(&sql, [], |row| row.get(0)).unwrap();
        let data = server.good("query_database", json!({"sql": sql})).await;
        assert_eq!(data["rows"][0][0], Value::from(wanted), "{sql}");
    }
}

#[tokio::test]
async fn every_statement_is_bounded_in_time_and_memory() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let before = fs::read(&database).unwrap();
    let env = [("MCPDECK_QUERY_TIMEOUT_MS", "300")];
    let args = ["database", database.to_str().unwrap()];
    let server = Served::start_with(&args, &env, modern()).await;
    for sql in HEAVY {
        let began = Instant::now();
        let said = server.refused("query_database", json!({"sql": sql})).await;
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{sql} took {:?}",
            began.elapsed()
        );
        assert!(said.contains("ended"), "{sql}: {said}");
    }
    assert_eq!(fs::read(&database).unwrap(), before);
    let data = server
        .good("query_database", json!({"sql": "SELECT 1"}))
        .await;
    assert_eq!(data["rows"], json!([[1]]));
    let peak = peak_kib(&server);
    assert!(peak.is_none_or(|kib| kib < 512 * 1024), "{peak:?} KiB");
}

#[tokio::test]
async fn a_cancelled_query_stops_and_others_go_on_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let server = Served::start(&["database", database.to_str().unwrap()]).await;
    let arguments = json!({"sql": ENDLESS}).as_object().unwrap().clone();
    let params = CallToolRequestParams::new("query_database").with_arguments(arguments);
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    let handle = server
        .client
        .send_cancellable_request(request, PeerRequestOptions::no_options());
    let handle = handle.await.unwrap();
    server
        .good("query_database", json!({"sql": "SELECT 1"}))
        .await;
    handle.cancel(Some("enough".to_owned())).await.unwrap();
    server.good("list_tables", json!({})).await;
    let began = Instant::now();
    assert!(server.leave().await.success());
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "the query ran on after its cancellation"
    );
}
