//! The database server's tools, each well and badly, on the demo's shop.

use mcpdeck::cli::demo::workspace;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Served, modern};

async fn shop() -> (TempDir, Served) {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let url = format!("sqlite:{}", database.display());
    let server = Served::start_with(&["database", &url], &[], modern()).await;
    (dir, server)
}

#[tokio::test]
async fn a_query_gives_typed_rows_and_a_table() {
    let (_dir, server) = shop().await;
    let sql = "SELECT id, name, city, 1.5 AS x, x'00ff' AS b FROM customers WHERE id IN (?, ?) ORDER BY id";
    let reply = server
        .call("query_database", json!({"sql": sql, "params": [3, 22]}))
        .await;
    let data = &reply.data;
    assert_eq!(
        data["rows"],
        json!([
            [3, "Lê Hoàng Anh", "Hồ Chí Minh", 1.5, {"blob_bytes": 2}],
            [22, "김민준", null, 1.5, {"blob_bytes": 2}]
        ])
    );
    assert_eq!(data["columns"][1], json!({"name": "name", "type": "TEXT"}));
    assert_eq!(data["columns"][3], json!({"name": "x", "type": "REAL"}));
    assert_eq!(data["columns"][4], json!({"name": "b", "type": "BLOB"}));
    assert_eq!(
        (&data["row_count"], &data["truncated"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(data["sql"], sql);
    let text = reply.text;
    assert!(
        text.contains("김민준") && text.contains("NULL") && text.ends_with("(2 rows)"),
        "{text}"
    );
}

/// A database of these statements, served for reading and writing.
async fn made(statements: &str) -> (TempDir, Served) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("made.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch(statements).unwrap();
    drop(database);
    let url = format!("sqlite:{}", file.display());
    (dir, Served::start(&["database", &url]).await)
}

#[tokio::test]
async fn an_insert_never_takes_the_place_of_a_row_and_never_claims_one_that_is_not_there() {
    let (_dir, server) = made(
        "CREATE TABLE replaces (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, name TEXT);
         INSERT INTO replaces VALUES (1, 'first');
         CREATE TABLE ignores (id INTEGER PRIMARY KEY);
         CREATE TRIGGER none BEFORE INSERT ON ignores BEGIN SELECT RAISE(IGNORE); END;
         CREATE TABLE n (n);",
    )
    .await;
    let second = json!({"table": "replaces", "values": {"id": 1, "name": "second"}});
    let said = server.refused("insert_record", second).await;
    assert!(said.contains("UNIQUE"), "{said}");
    let sql = json!({"sql": "SELECT name FROM replaces"});
    let rows = server.good("query_database", sql).await;
    assert_eq!(rows["rows"], json!([["first"]]));

    let row = json!({"table": "ignores", "values": {"id": 1}});
    let said = server.refused("insert_record", row).await;
    assert!(said.contains("No row was inserted"), "{said}");

    let row = json!({"table": "n", "values": {"n": u64::MAX}});
    let said = server.refused("insert_record", row).await;
    assert!(said.contains("64 bits"), "{said}");
}

#[tokio::test]
async fn the_tables_of_a_full_text_index_take_no_rows() {
    let (_dir, server) = made("CREATE VIRTUAL TABLE notes USING fts5(text);").await;
    let row = json!({"table": "notes_content", "values": {"id": 7, "c0": "stray"}});
    server.refused("insert_record", row).await;
    let row = json!({"table": "notes", "values": {"text": "good"}});
    server.good("insert_record", row).await;
}

#[tokio::test]
async fn an_endless_view_does_not_hold_the_list_of_tables() {
    let (_dir, server) = made(
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n;
         CREATE TABLE t (n); INSERT INTO t VALUES (1);",
    )
    .await;
    let began = std::time::Instant::now();
    let data = server.good("list_tables", json!({})).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(15));
    assert_eq!(data["tables"][0]["rows"], Value::Null);
    assert_eq!(data["tables"][1]["name"], "t");
}

#[tokio::test]
async fn a_file_that_takes_the_databases_place_is_read_at_once() {
    let (dir, server) = made("CREATE TABLE t (n); INSERT INTO t VALUES (1);").await;
    let sql = json!({"sql": "SELECT n FROM t"});
    let old = server.good("query_database", sql.clone()).await;
    assert_eq!(old["rows"], json!([[1]]));
    let other = dir.path().join("other.db");
    let database = rusqlite::Connection::open(&other).unwrap();
    database
        .execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (2);")
        .unwrap();
    drop(database);
    std::fs::rename(&other, dir.path().join("made.db")).unwrap();
    let new = server.good("query_database", sql).await;
    assert_eq!(new["rows"], json!([[2]]));
}

#[tokio::test]
async fn integers_are_exact_to_the_last_digit() {
    let (_dir, server) = shop().await;
    let sql = "SELECT 9223372036854775807, -9223372036854775808, 9007199254740993, ?";
    let data = server
        .good("query_database", json!({"sql": sql, "params": [i64::MAX]}))
        .await;
    let row = &data["rows"][0];
    assert_eq!(row[0].as_i64(), Some(i64::MAX));
    assert_eq!(row[1].as_i64(), Some(i64::MIN));
    assert_eq!(row[2].as_i64(), Some(9_007_199_254_740_993));
    assert_eq!(row[3].as_i64(), Some(i64::MAX));
}

#[tokio::test]
async fn rows_and_bytes_are_capped_and_the_cut_is_told() {
    let (_dir, server) = shop().await;
    let all = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n";
    for (limit, rows) in [(None, 200), (Some(7), 7), (Some(1000), 1000)] {
        let data = server
            .good("query_database", json!({"sql": all, "limit": limit}))
            .await;
        assert_eq!(
            (&data["row_count"], &data["truncated"]),
            (&json!(rows), &json!(true))
        );
    }
    let said = server
        .refused("query_database", json!({"sql": all, "limit": 1001}))
        .await;
    assert!(said.contains("`limit`"), "{said}");
    let exactly = "SELECT id FROM customers";
    let data = server
        .good("query_database", json!({"sql": exactly, "limit": 25}))
        .await;
    assert_eq!(
        (&data["row_count"], &data["truncated"]),
        (&json!(25), &json!(false))
    );
    let wide = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT hex(zeroblob(50000)) FROM n";
    let data = server.good("query_database", json!({"sql": wide})).await;
    assert_eq!(data["truncated"], true);
    assert!(data.to_string().len() < 1_200_000);
    assert!(data["row_count"].as_u64().unwrap() >= 5);
}

#[tokio::test]
async fn a_mistyped_name_is_answered_with_the_nearest() {
    let (_dir, server) = shop().await;
    let cases = [
        ("SELECT * FROM custmers", "Did you mean `customers`"),
        ("SELECT emial FROM customers", "Did you mean `email`"),
        ("SELECT c.nme FROM customers c", "Did you mean `name`"),
        ("SELECT * FORM customers", "at `FORM customers`"),
        ("SELECT 1; not even sql", "syntax error"),
        ("SELECT ?", "parameter"),
        ("   -- nothing", "gives rows"),
        ("", "gives rows"),
    ];
    for (sql, said) in cases {
        let reply = server.refused("query_database", json!({"sql": sql})).await;
        assert!(reply.contains(said), "{sql}: {reply}");
    }
    let reply = server
        .refused(
            "query_database",
            json!({"sql": "SELECT ?", "params": [[1]]}),
        )
        .await;
    assert!(reply.contains("params/0"), "{reply}");
    let reply = server
        .refused("query_database", json!({"query": "SELECT 1"}))
        .await;
    assert!(reply.contains("sql"), "{reply}");
}

#[tokio::test]
async fn tables_and_schemas_are_shown() {
    let (_dir, server) = shop().await;
    let tables = server.good("list_tables", json!({})).await;
    assert_eq!(
        tables["tables"][0],
        json!({"name": "customers", "type": "table", "rows": 25, "rows_exact": true, "comment": null})
    );
    assert_eq!(tables["tables"].as_array().unwrap().len(), 4);
    let orders = server
        .good("get_table_schema", json!({"table": "ORDERS"}))
        .await;
    assert_eq!(orders["table"], "orders");
    assert_eq!(orders["rows"], 80);
    assert_eq!(
        orders["columns"][0],
        json!({"name": "id", "type": "INTEGER", "nullable": false, "default": null, "primary_key": true, "generated": null, "comment": null})
    );
    assert_eq!(orders["columns"][3]["default"], "'new'");
    let key = json!([{"columns": ["customer_id"], "table": "customers", "to": ["id"], "on_delete": null, "on_update": null}]);
    assert_eq!(orders["foreign_keys"], key);
    let index = json!([{"name": "orders_by_customer", "columns": ["customer_id"], "unique": false, "only": null}]);
    assert_eq!(orders["indexes"], index);
    let said = server
        .refused("get_table_schema", json!({"table": "order"}))
        .await;
    assert!(said.contains("Did you mean `orders`"), "{said}");
}

#[tokio::test]
async fn a_row_is_inserted_as_parameters() {
    let (_dir, server) = shop().await;
    let hostile = "x'); DROP TABLE customers; --";
    let values =
        json!({"name": hostile, "email": "x@example.com", "city": null, "joined_on": "2025-12-01"});
    let new = server
        .good(
            "insert_record",
            json!({"table": "customers", "values": values}),
        )
        .await;
    assert_eq!(
        new,
        json!({"table": "customers", "inserted": 1, "key": {"id": 26}, "dry_run": false})
    );
    let sql = "SELECT name, city FROM customers WHERE id = 26";
    let data = server.good("query_database", json!({"sql": sql})).await;
    assert_eq!(data["rows"], json!([[hostile, null]]));
    let cases = [
        (json!({"table": "customers", "values": values}), "UNIQUE"),
        (
            json!({"table": "customers", "values": {"nmae": "x"}}),
            "Did you mean `name`",
        ),
        (
            json!({"table": "customers", "values": {"name\") VALUES (1); --": "x"}}),
            "no column",
        ),
        (
            json!({"table": "customers; DROP TABLE orders", "values": {}}),
            "no table",
        ),
        (
            json!({"table": "sqlite_schema", "values": {"name": "x"}}),
            "no table",
        ),
        (
            json!({"table": "customers", "values": {"name": ["x"]}}),
            "values/name",
        ),
        (
            json!({"table": "orders", "values": {"customer_id": 999, "ordered_on": "x", "total": 1}}),
            "FOREIGN KEY",
        ),
        (json!({"table": "customers", "values": "x"}), "`values`"),
    ];
    for (arguments, said) in cases {
        let reply = server.refused("insert_record", arguments).await;
        assert!(reply.contains(said), "{said}: {reply}");
    }
    let tables = server.good("list_tables", json!({})).await;
    assert_eq!(tables["tables"][0]["rows"], 26);
}

#[tokio::test]
async fn names_with_quotes_and_spaces_stay_names() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("odd.db");
    let odd = rusqlite::Connection::open(&file).unwrap();
    odd.execute_batch("CREATE TABLE \"a \"\"b\"\" ; c\" (\"đơn giá\" INT, \"x\"\"y\" TEXT); CREATE VIEW v AS SELECT 1 AS one;").unwrap();
    drop(odd);
    let server = Served::start(&["database", file.to_str().unwrap()]).await;
    let name = "a \"b\" ; c";
    let values = json!({"đơn giá": 5, "x\"y": "z"});
    server
        .good("insert_record", json!({"table": name, "values": values}))
        .await;
    let schema = server
        .good("get_table_schema", json!({"table": name}))
        .await;
    assert_eq!(
        (&schema["rows"], &schema["columns"][1]["name"]),
        (&json!(1), &json!("x\"y"))
    );
    let said = server
        .refused("insert_record", json!({"table": "v", "values": {"one": 1}}))
        .await;
    assert!(said.contains("view"), "{said}");
    let tables = server.good("list_tables", json!({})).await;
    assert_eq!(
        tables["tables"][1],
        json!({"name": "v", "type": "view", "rows": 1, "rows_exact": true, "comment": null})
    );
}

#[tokio::test]
async fn read_only_has_no_insert() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let server = Served::start(&["database", "--read-only", database.to_str().unwrap()]).await;
    let names: Vec<&str> = server.tools.iter().map(|tool| tool.name.as_ref()).collect();
    let reading = [
        "query_database",
        "list_tables",
        "get_table_schema",
        "explain_query",
    ];
    assert_eq!(names, reading);
}

#[tokio::test]
async fn a_database_in_memory_begins_empty_and_only_reads() {
    let server = Served::start(&["database", "sqlite::memory:"]).await;
    let tables = server.good("list_tables", json!({})).await;
    assert_eq!(tables, json!({"tables": []}));
    server
        .refused("query_database", json!({"sql": "CREATE TABLE t (x)"}))
        .await;
    let data = server
        .good("query_database", json!({"sql": "SELECT 1"}))
        .await;
    assert_eq!(data["rows"], json!([[1]]));
    assert_ne!(data["elapsed_ms"], Value::Null);
}

#[tokio::test]
async fn a_database_in_wal_mode_is_read_beside_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let writer = rusqlite::Connection::open(&database).unwrap();
    writer.pragma_update(None, "journal_mode", "WAL").unwrap();
    let server = Served::start(&["database", database.to_str().unwrap()]).await;
    let count = json!({"sql": "SELECT count(*) FROM products"});
    let before = server.good("query_database", count.clone()).await;
    writer
        .execute("INSERT INTO products VALUES (99, 'X', 'x', 'x', 1)", [])
        .unwrap();
    let after = server.good("query_database", count).await;
    assert_eq!(
        (&before["rows"], &after["rows"]),
        (&json!([[12]]), &json!([[13]]))
    );
}

#[tokio::test]
async fn a_row_that_is_too_large_alone_is_refused_with_a_way_out() {
    let (_dir, server) = shop().await;
    let huge = json!({"sql": "SELECT hex(zeroblob(1000000))"});
    let said = server.refused("query_database", huge).await;
    assert!(said.contains("substr"), "{said}");
}
