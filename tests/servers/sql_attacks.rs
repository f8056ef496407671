//! Statements that try to change, to leave or to exhaust the database, on the server and on a check that looks at the text.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mcpdeck::cli::demo::workspace;
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest};
use rmcp::service::PeerRequestOptions;
use serde_json::json;

use crate::client::{Served, modern};

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
    "SELECT length(zeroblob(2000000000))",
    "SELECT length(hex(zeroblob(60000000)))",
    "SELECT length(printf('%900000000d', 1))",
    "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e, order_items f",
    "WITH RECURSIVE n(i, s) AS (SELECT 1, randomblob(1000000) UNION SELECT i + 1, randomblob(1000000) FROM n) SELECT max(i) FROM n",
    "SELECT group_concat(hex(randomblob(100000))) FROM order_items a, order_items b, order_items c",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n ORDER BY i DESC",
];

/// The check of the demos that people write: the text begins with SELECT (or WITH), so it is harmless.
fn naive(database: &Path, sql: &str) {
    let text = sql.trim().to_uppercase();
    if text.starts_with("SELECT") || text.starts_with("WITH") {
        let connection = rusqlite::Connection::open(database).unwrap();
        let _refused_by_the_engine = connection.execute_batch(sql);
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn no_statement_changes_the_database_or_makes_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let (before, around) = (fs::read(&database).unwrap(), files(dir.path()));
    let here = files(Path::new("."));
    let server = Served::start_with(&["database", database.to_str().unwrap()], &[], modern()).await;
    let mut let_through = 0;
    for sql in WRITES {
        let copy = dir.path().join("files/copy.db");
        fs::write(&copy, &before).unwrap();
        naive(&copy, sql);
        let_through += usize::from(fs::read(&copy).unwrap() != before);
        let said = server.refused("query_database", json!({"sql": sql})).await;
        let by_the_engine = REASONS.iter().any(|reason| said.contains(reason));
        assert!(by_the_engine, "{sql}: {said}");
        assert_eq!(fs::read(&database).unwrap(), before, "{sql}");
    }
    assert!(
        let_through >= 5,
        "the control let only {let_through} through"
    );
    assert_eq!(files(dir.path()), around);
    assert_eq!(files(Path::new(".")), here);
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
            began.elapsed() < Duration::from_secs(10),
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
    if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", server.child.id().unwrap())) {
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
        assert!(kib < 512 * 1024, "the server needed {kib} KiB");
    }
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
