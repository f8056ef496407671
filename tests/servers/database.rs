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
    assert!(reply.contains("params[0]"), "{reply}");
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
            "values.name",
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

#[tokio::test]
async fn pages_join_into_the_whole_and_a_cursor_fits_its_own_query_alone() {
    let (_dir, server) = shop().await;
    let sql = "SELECT id, name FROM customers WHERE id > ? ORDER BY id";
    let whole = json!({"sql": sql, "params": [2]});
    let whole = server.good("query_database", whole).await;
    assert_eq!(whole["next_cursor"], Value::Null);
    let (mut rows, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = json!({"sql": sql, "params": [2], "limit": 10, "cursor": cursor});
        let page = server.good("query_database", page).await;
        rows.extend(page["rows"].as_array().unwrap().clone());
        pages += 1;
        cursor = page["next_cursor"].clone();
        assert_eq!(page["truncated"], !cursor.is_null());
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((Value::from(rows), pages), (whole["rows"].clone(), 3));

    let first = json!({"sql": sql, "params": [2], "limit": 10});
    let first = server.call("query_database", first).await;
    let cursor = first.data["next_cursor"].as_str().unwrap();
    assert!(first.text.contains(cursor), "{}", first.text);
    // Another instance serves the next page as well.
    let (_other_dir, other) = shop().await;
    let next = json!({"sql": sql, "params": [2], "limit": 1, "cursor": cursor});
    let next = other.call("query_database", next).await;
    assert_eq!(next.data["rows"][0][0], 13);
    assert!(next.text.contains("rows 11 to 11"), "{}", next.text);
    for (sql, params, cursor) in [
        (sql, json!([3]), cursor),
        ("SELECT id FROM customers", json!([]), cursor),
        (sql, json!([2]), "AAAA"),
        (sql, json!([2]), "'; DROP TABLE customers"),
    ] {
        let arguments = json!({"sql": sql, "params": params, "cursor": cursor});
        let said = server.refused("query_database", arguments).await;
        assert!(said.contains("`cursor`"), "{said}");
    }
}

#[tokio::test]
async fn the_place_of_a_slip_is_told_by_line_and_column() {
    let (_dir, server) = shop().await;
    let cases = [
        (
            "SELECT id,\n       nmae\nFROM customers",
            "(line 2, column 8, at `nmae FROM customers`)",
        ),
        (
            "SELECT 'món ăn', emial FROM customers",
            "(line 1, column 18, at `emial FROM customers`)",
        ),
        (
            "SELECT *\nFROM customers\nWHER id = 1",
            "(line 3, column 6, at `id = 1`)",
        ),
    ];
    for (sql, place) in cases {
        for tool in ["query_database", "explain_query"] {
            let said = server.refused(tool, json!({"sql": sql})).await;
            assert!(said.contains(place), "{tool}: {said}");
        }
    }
    let said = server
        .refused(
            "query_database",
            json!({"sql": "SELECT ?", "params": [1, 2]}),
        )
        .await;
    assert!(
        said.contains("1 parameters") && said.contains("2 values"),
        "{said}"
    );
}

#[tokio::test]
async fn a_plan_is_a_tree_with_a_hint_where_a_table_is_read_whole() {
    let (_dir, server) = shop().await;
    let join = "SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.city = ? GROUP BY c.id ORDER BY 2";
    let reply = server
        .call("explain_query", json!({"sql": join, "params": ["Huế"]}))
        .await;
    let steps = reply.data["plan"].to_string();
    assert!(steps.contains("orders_by_customer"), "{steps}");
    let hints = reply.data["hints"].to_string();
    assert!(
        hints.contains("first row to its last") && hints.contains("sorted for ORDER BY"),
        "{hints}"
    );
    assert!(reply.text.contains("SCAN c"), "{}", reply.text);
    let by_key = json!({"sql": "SELECT * FROM orders WHERE id = 1"});
    let data = server.good("explain_query", by_key).await;
    assert_eq!(data["hints"], json!([]));
    let nested =
        "SELECT * FROM (SELECT id FROM orders UNION SELECT id FROM customers) WHERE id > 3";
    let data = server.good("explain_query", json!({"sql": nested})).await;
    assert!(data["plan"].to_string().contains("\"steps\":[{"), "{data}");
    for sql in [
        "DELETE FROM orders",
        "SELECT 1; SELECT 2",
        "",
        "PRAGMA user_version = 3",
    ] {
        server.refused("explain_query", json!({"sql": sql})).await;
    }
}

#[tokio::test]
async fn a_schema_tells_keys_options_and_what_its_makers_wrote() {
    let (_dir, server) = made(
        "CREATE TABLE orders ( -- one row per order
           id INTEGER NOT NULL, -- with the line it makes the key
           line INT,
           total NUMERIC(10, 2) CHECK (total >= 0), -- in đồng
           tax AS (total / 10) STORED,
           twice INT GENERATED ALWAYS AS (line * 2) VIRTUAL,
           buyer TEXT DEFAULT 'nobody' REFERENCES people ON DELETE CASCADE,
           PRIMARY KEY (line, id)
         ) WITHOUT ROWID;
         CREATE TABLE people (name TEXT PRIMARY KEY, a INT, b INT, UNIQUE (a, b)) STRICT;",
    )
    .await;
    let said = server.good("list_tables", json!({})).await;
    assert_eq!(said["tables"][0]["comment"], "one row per order");
    let reply = server
        .call("get_table_schema", json!({"table": "orders"}))
        .await;
    let data = &reply.data;
    assert_eq!(data["comment"], "one row per order");
    assert_eq!(
        data["options"],
        json!([
            "WITHOUT ROWID",
            "decimals of total are floats here: 15 digits are exact"
        ])
    );
    assert_eq!(data["primary_key"], json!(["line", "id"]));
    let column = |n: usize, field: &str| data["columns"][n][field].clone();
    assert_eq!(column(0, "comment"), "with the line it makes the key");
    assert_eq!(column(2, "comment"), "in đồng");
    assert_eq!(
        (column(3, "generated"), column(4, "generated")),
        (json!("stored"), json!("virtual"))
    );
    assert_eq!(
        (column(1, "nullable"), column(2, "nullable")),
        (json!(false), json!(true))
    );
    assert_eq!(column(5, "default"), "'nobody'");
    let key = json!([{"columns": ["buyer"], "table": "people", "to": [], "on_delete": "CASCADE", "on_update": null}]);
    assert_eq!(data["foreign_keys"], key);
    assert!(
        data["definition"]
            .as_str()
            .unwrap()
            .starts_with("CREATE TABLE orders")
    );
    assert!(
        reply.text.contains("-- in đồng")
            && reply.text.contains("(buyer) -> people on delete CASCADE"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn each_schema_is_a_resource() {
    let (_dir, server) = made(
        "CREATE TABLE \"đơn hàng/1?\" (a INT, b TEXT); CREATE TABLE plain (x); CREATE VIEW seen AS SELECT x FROM plain;",
    )
    .await;
    let listed = server.client.list_all_resources().await.unwrap();
    let uris: Vec<&str> = listed.iter().map(|r| r.uri.as_str()).collect();
    let odd = "database:///schema/%C4%91%C6%A1n%20h%C3%A0ng%2F1%3F";
    assert_eq!(
        uris,
        ["database:///schema/plain", "database:///schema/seen", odd]
    );
    assert_eq!(listed[2].name, "đơn hàng/1?");
    let read = async |uri: &str| {
        let params = rmcp::model::ReadResourceRequestParams::new(uri);
        server.client.read_resource(params).await
    };
    let page = read(odd).await.unwrap();
    let page = serde_json::to_value(&page).unwrap();
    let text = page["contents"][0]["text"].as_str().unwrap();
    let schema: Value = serde_json::from_str(text).unwrap();
    let tool = server
        .good("get_table_schema", json!({"table": "đơn hàng/1?"}))
        .await;
    assert_eq!(schema, tool);
    assert_eq!(page["contents"][0]["mimeType"], "application/json");
    assert!(read("database:///schema/nothing").await.is_err());
    assert!(read("file:///etc/passwd").await.is_err());
}

#[tokio::test]
async fn the_prompt_holds_the_catalogue_and_the_focus() {
    let (_dir, server) = shop().await;
    let prompts = server.client.list_all_prompts().await.unwrap();
    assert_eq!(prompts[0].name, "analyse_database");
    for focus in [None, Some("late orders")] {
        let mut params = rmcp::model::GetPromptRequestParams::new("analyse_database");
        params.arguments = focus.map(|focus| json!({"focus": focus}).as_object().unwrap().clone());
        let got = server.client.get_prompt(params).await.unwrap();
        let text =
            serde_json::to_value(&got).unwrap()["messages"][0]["content"]["text"].to_string();
        assert!(
            text.contains("- customers: id INTEGER, name TEXT") && text.contains("SQLite"),
            "{text}"
        );
        assert_eq!(text.contains("late orders"), focus.is_some());
    }
}

#[tokio::test]
async fn a_schema_that_another_program_changes_is_seen_at_once() {
    let (dir, server) = made("CREATE TABLE t (a)").await;
    let schema = async || server.good("get_table_schema", json!({"table": "t"})).await;
    assert_eq!(schema().await["columns"].as_array().unwrap().len(), 1);
    let other = rusqlite::Connection::open(dir.path().join("made.db")).unwrap();
    other
        .execute_batch("ALTER TABLE t ADD COLUMN b; CREATE TABLE u (x)")
        .unwrap();
    assert_eq!(schema().await["columns"][1]["name"], "b");
    assert_eq!(
        server.good("list_tables", json!({})).await["tables"][1]["name"],
        "u"
    );
    let both = json!({"table": "t", "values": {"a": 1, "b": 2}});
    server.good("insert_record", both).await;
    other.execute_batch("DROP TABLE u").unwrap();
    let said = server
        .refused("get_table_schema", json!({"table": "u"}))
        .await;
    assert!(said.contains("no table"), "{said}");
}

#[tokio::test]
async fn odd_databases_are_served_or_refused_in_words() {
    let columns: Vec<String> = (0..2000).map(|n| format!("c{n} INT")).collect();
    let (dir, server) = made(&format!(
        "CREATE TABLE \"\"\"; DROP TABLE t; --\" (\"\" INT, \"a\nb\" TEXT, 'select' TEXT);
         CREATE TABLE wide ({});
         CREATE TABLE gone (x); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone;
         CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
         CREATE TABLE \"Đơn\" (x); CREATE TABLE \"đơn\" (y);
         INSERT INTO wide (c0) VALUES (1);",
        columns.join(", ")
    ))
    .await;
    let tables = server.good("list_tables", json!({})).await;
    let names: Vec<&str> = tables["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "\"; DROP TABLE t; --",
            "boxes",
            "broken",
            "wide",
            "Đơn",
            "đơn"
        ]
    );
    assert_eq!(tables["tables"][1]["type"], "foreign");
    for name in names {
        server
            .good("get_table_schema", json!({"table": name}))
            .await;
    }
    let all = json!({"sql": "SELECT * FROM boxes"});
    assert_eq!(server.good("query_database", all).await["row_count"], 0);
    let odd =
        json!({"table": "\"; DROP TABLE t; --", "values": {"": 1, "a\nb": "x", "select": "y"}});
    server.good("insert_record", odd).await;
    let said = server
        .refused("get_table_schema", json!({"table": "ĐƠN"}))
        .await;
    assert!(said.contains("any of"), "{said}");
    let data = server
        .good("query_database", json!({"sql": "SELECT * FROM wide"}))
        .await;
    assert_eq!(data["columns"].as_array().unwrap().len(), 2000);
    let said = server
        .refused("query_database", json!({"sql": "SELECT * FROM broken"}))
        .await;
    assert!(said.contains("gone"), "{said}");
    let box_ = json!({"table": "boxes", "values": {"id": 7, "x0": 1, "x1": 2}});
    assert_eq!(
        server.good("insert_record", box_).await["key"],
        json!({"rowid": 7})
    );

    // The file breaks while it is served.
    let file = dir.path().join("made.db");
    std::fs::remove_file(&file).unwrap();
    let said = server
        .refused("query_database", json!({"sql": "SELECT 1 FROM wide"}))
        .await;
    assert!(said.contains("cannot be opened"), "{said}");
    std::fs::write(
        &file,
        "this is no database, only some text that is long enough to look at".repeat(20),
    )
    .unwrap();
    let said = server.refused("list_tables", json!({})).await;
    assert!(said.contains("not a database"), "{said}");
}

#[tokio::test]
async fn names_that_are_no_text_do_not_end_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("odd.db");
    let odd = rusqlite::Connection::open(&file).unwrap();
    odd.execute_batch(
        "CREATE TABLE bad (aZ INT, b TEXT); INSERT INTO bad VALUES (1, CAST(x'ff41' AS TEXT)); CREATE TABLE good (x);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), 'Z', x'ff') AS TEXT) WHERE name = 'bad';",
    )
    .unwrap();
    drop(odd);
    let server = Served::start(&["database", file.to_str().unwrap()]).await;
    let text = json!({"sql": "SELECT b FROM bad"});
    assert_eq!(
        server.good("query_database", text).await["rows"],
        json!([["\u{fffd}A"]])
    );
    let bad = json!({"sql": "SELECT * FROM bad"});
    server.refused("query_database", bad).await;
    let data = server.good("list_tables", json!({})).await;
    assert_eq!(data["tables"][0]["name"], "bad");
    let data = server
        .good("get_table_schema", json!({"table": "bad"}))
        .await;
    assert_eq!(data["columns"][0]["name"], "a\u{fffd}");
    let row = json!({"table": "good", "values": {"x": 1}});
    server.good("insert_record", row).await;
    server
        .good("query_database", json!({"sql": "SELECT 1"}))
        .await;
}

#[tokio::test]
async fn a_reader_that_waits_for_a_lock_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let database = workspace::create(dir.path()).unwrap().database;
    let env = [("MCPDECK_QUERY_TIMEOUT_MS", "400")];
    let server =
        Served::start_with(&["database", database.to_str().unwrap()], &env, modern()).await;
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let sql = json!({"sql": "SELECT count(*) FROM products"});
    let said = server.refused("query_database", sql.clone()).await;
    assert!(
        said.contains("0.4 s") && said.contains("another program"),
        "{said}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    server.good("query_database", sql).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.db");
    let start = async |url: &str| {
        let output = crate::client::command(&["database", url], dir.path()).output();
        let output = output.await.unwrap();
        assert!(!output.status.success(), "{url}");
        String::from_utf8(output.stderr).unwrap()
    };
    std::fs::write(&file, "no database at all ".repeat(100)).unwrap();
    assert!(
        start(file.to_str().unwrap())
            .await
            .contains("not an SQLite database")
    );
    assert!(
        start(dir.path().to_str().unwrap())
            .await
            .contains("not a regular file")
    );
    assert!(start("sqlite:nowhere.db").await.contains("no such file"));
    let said = start("mysql://me:secret@host/db").await;
    assert!(
        said.contains("sqlite:FILE") && !said.contains("secret"),
        "{said}"
    );
    // An empty file is an empty database to the engine.
    std::fs::write(&file, "").unwrap();
    let server = Served::start(&["database", file.to_str().unwrap()]).await;
    assert_eq!(
        server.good("list_tables", json!({})).await,
        json!({"tables": []})
    );
}
