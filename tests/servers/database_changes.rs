//! The database server's tools that change rows, each well and badly, and how they get on with others who write.

use std::time::{Duration, Instant};

use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Served;

const PEOPLE: &str = "
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INT, note TEXT);
    INSERT INTO people VALUES (1, 'Anh', 30, NULL), (2, 'Bình', 40, 'x'), (3, 'Chi', 50, NULL), (4, 'Dũng', 60, 'y%');";

/// A database of these statements, served with these further arguments.
async fn served(statements: &str, arguments: &[&str]) -> (TempDir, Served) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("made.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch(statements).unwrap();
    drop(database);
    let url = format!("sqlite:{}", file.display());
    let arguments = [&["database", url.as_str()], arguments].concat();
    let server = Served::start(&arguments).await;
    (dir, server)
}

async fn rows(server: &Served, sql: &str) -> Value {
    let data = server.good("query_database", json!({"sql": sql})).await;
    data["rows"].clone()
}

#[tokio::test]
async fn each_condition_finds_its_rows() {
    let (_dir, server) = served(PEOPLE, &[]).await;
    let cases = [
        (json!([{"column": "id", "value": 2}]), 1),
        (json!([{"column": "ID", "op": "=", "value": 2}]), 1),
        (json!([{"column": "age", "op": "!=", "value": 40}]), 3),
        (json!([{"column": "note", "op": "!=", "value": "x"}]), 1),
        (json!([{"column": "age", "op": "<", "value": 40}]), 1),
        (json!([{"column": "age", "op": "<=", "value": 40}]), 2),
        (json!([{"column": "age", "op": ">", "value": 40.5}]), 2),
        (json!([{"column": "age", "op": ">=", "value": "40"}]), 3),
        (json!([{"column": "name", "op": "like", "value": "%n%"}]), 3),
        (
            json!([{"column": "name", "op": "in", "value": ["Anh", "Chi", "x' OR 1=1 --"]}]),
            2,
        ),
        (json!([{"column": "note", "op": "is_null"}]), 2),
        (
            json!([{"column": "note", "op": "is_not_null"}, {"column": "age", "op": ">", "value": 50}]),
            1,
        ),
        (json!([{"column": "name", "value": "' OR ''='"}]), 0),
    ];
    for (conditions, wanted) in cases {
        for (tool, field) in [("update_records", "updated"), ("delete_records", "deleted")] {
            let mut arguments = json!({"table": "people", "where": conditions, "dry_run": true});
            if tool == "update_records" {
                arguments["set"] = json!({"note": "changed"});
            }
            let data = server.good(tool, arguments).await;
            assert_eq!(
                data,
                json!({"table": "people", field: wanted, "dry_run": true}),
                "{conditions}"
            );
        }
    }
    let all = rows(&server, "SELECT count(*), count(note) FROM people").await;
    assert_eq!(all, json!([[4, 2]]), "a dry run changed something");
}

#[tokio::test]
async fn rows_change_and_go_and_more_than_allowed_is_taken_back() {
    let (_dir, server) = served(PEOPLE, &[]).await;
    let old = json!([{"column": "age", "op": ">=", "value": 50}]);
    let set = json!({"table": "people", "set": {"note": "x'); --", "age": null}, "where": old});
    let mut few = set.clone();
    few["max_rows"] = json!(1);
    let said = server.refused("update_records", few).await;
    assert!(
        said.contains("2 rows") && said.contains("`max_rows` is 1"),
        "{said}"
    );
    let reply = server.call("update_records", set).await;
    assert_eq!(
        reply.data,
        json!({"table": "people", "updated": 2, "dry_run": false})
    );
    assert_eq!(reply.text, "2 rows of `people` updated.");
    let changed = rows(&server, "SELECT id, age, note FROM people WHERE id > 2").await;
    assert_eq!(changed, json!([[3, null, "x'); --"], [4, null, "x'); --"]]));

    let all = json!({"table": "people", "all": true, "max_rows": 3});
    let said = server.refused("delete_records", all).await;
    assert!(said.contains("4 rows"), "{said}");
    let one = json!({"table": "people", "where": [{"column": "id", "value": 1}]});
    assert_eq!(server.good("delete_records", one).await["deleted"], 1);
    let all = json!({"table": "people", "all": true});
    assert_eq!(server.good("delete_records", all).await["deleted"], 3);
    assert_eq!(
        rows(&server, "SELECT count(*) FROM people").await,
        json!([[0]])
    );
}

#[tokio::test]
async fn a_change_without_aim_or_with_a_wrong_name_is_refused() {
    let (_dir, server) = served(
        "CREATE TABLE t (a INT, b INT AS (a + 1), \"B b\" TEXT); CREATE VIEW v AS SELECT * FROM t; INSERT INTO t (a) VALUES (1);",
        &[],
    )
    .await;
    let set = |more: Value| {
        let mut arguments = json!({"table": "t", "set": {"a": 2}});
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        arguments
    };
    let cases = [
        (set(json!({})), "`all: true`"),
        (set(json!({"where": []})), "`all: true`"),
        (
            set(json!({"all": true, "where": [{"column": "a", "value": 1}]})),
            "contradict",
        ),
        (set(json!({"where": "a = 1"})), "`where`"),
        (set(json!({"where": ["a = 1"]})), "`where[0]`"),
        (
            set(json!({"where": [{"column": "a", "op": "or 1=1", "value": 1}]})),
            "`where[0].op`",
        ),
        (
            set(json!({"where": [{"column": "a", "value": null}]})),
            "is_null",
        ),
        (
            set(json!({"where": [{"column": "a", "op": "in", "value": []}]})),
            "1 to 1000",
        ),
        (
            set(json!({"where": [{"column": "a", "op": "in", "value": 1}]})),
            "list",
        ),
        (
            set(json!({"where": [{"column": "a", "op": "is_null", "value": 1}]})),
            "no place",
        ),
        (
            set(json!({"where": [{"column": "aa", "value": 1}]})),
            "Did you mean `a`",
        ),
        (
            set(json!({"where": [{"column": "a\" = 1 OR \"a", "value": 1}]})),
            "no column",
        ),
        (
            set(json!({"where": [{"column": "a", "value": [1]}]})),
            "where[0].value",
        ),
        (set(json!({"all": true, "set": {}})), "`set` is empty"),
        (set(json!({"all": true, "set": {"b": 1}})), "computed"),
        (set(json!({"all": true, "set": {"a": 1, "A": 2}})), "twice"),
        (set(json!({"all": true, "table": "v"})), "view"),
        (set(json!({"all": true, "table": "tt"})), "Did you mean `t`"),
        (set(json!({"all": true, "max_rows": -1})), "`max_rows`"),
    ];
    for (arguments, said) in cases {
        let reply = server.refused("update_records", arguments.clone()).await;
        assert!(reply.contains(said), "{arguments}: {reply}");
    }
    assert_eq!(rows(&server, "SELECT a, b FROM t").await, json!([[1, 2]]));
}

#[tokio::test]
async fn an_insert_tells_what_finds_the_row_again() {
    let (_dir, server) = served(
        "CREATE TABLE pair (a TEXT, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE bare (rowid TEXT);
         CREATE TABLE named (code TEXT PRIMARY KEY, n INT DEFAULT 7);
         CREATE VIRTUAL TABLE notes USING fts5(text);",
        &[],
    )
    .await;
    let cases = [
        (
            json!({"table": "pair", "values": {"a": "x", "b": 5}}),
            json!({"b": 5, "a": "x"}),
        ),
        (
            json!({"table": "bare", "values": {"rowid": "mine"}}),
            json!({"_rowid_": 1}),
        ),
        (
            json!({"table": "bare", "values": {}}),
            json!({"_rowid_": 2}),
        ),
        (
            json!({"table": "named", "values": {"code": "n"}}),
            json!({"code": "n"}),
        ),
        (
            json!({"table": "notes", "values": {"text": "one"}}),
            json!({"rowid": 1}),
        ),
    ];
    for (arguments, key) in cases {
        let mut tried = arguments.clone();
        tried["dry_run"] = json!(true);
        assert_eq!(server.good("insert_record", tried).await["dry_run"], true);
        let new = server.good("insert_record", arguments).await;
        assert_eq!((&new["key"], &new["inserted"]), (&key, &json!(1)));
    }
    assert_eq!(
        rows(&server, "SELECT count(*) FROM bare").await,
        json!([[2]])
    );
}

#[tokio::test]
async fn a_dry_run_knows_what_a_late_check_would_refuse() {
    let (_dir, server) = served(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (p INT REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED);",
        &[],
    )
    .await;
    for dry_run in [true, false] {
        let stray = json!({"table": "child", "values": {"p": 7}, "dry_run": dry_run});
        let said = server.refused("insert_record", stray).await;
        assert!(said.contains("FOREIGN KEY"), "{dry_run}: {said}");
    }
    assert_eq!(
        rows(&server, "SELECT count(*) FROM child").await,
        json!([[0]])
    );
}

#[tokio::test]
async fn a_dry_run_leaves_the_file_as_it_is_to_the_byte() {
    let (dir, server) = served(PEOPLE, &[]).await;
    let file = dir.path().join("made.db");
    let before = std::fs::read(&file).unwrap();
    let all = json!({"table": "people", "set": {"age": 0}, "all": true, "dry_run": true});
    assert_eq!(server.good("update_records", all).await["updated"], 4);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn each_access_offers_its_tools() {
    let tools = async |arguments: &[&str]| {
        let (_dir, server) = served(PEOPLE, arguments).await;
        let names = server.tools.iter().map(|tool| tool.name.to_string());
        let hidden = server
            .client
            .call_tool(CallToolRequestParams::new("execute_script"))
            .await;
        let names: Vec<String> = names.collect();
        assert_eq!(hidden.is_ok(), names.contains(&"execute_script".to_owned()));
        names
    };
    let reading = [
        "query_database",
        "list_tables",
        "get_table_schema",
        "explain_query",
    ];
    let changing = ["insert_record", "update_records", "delete_records"];
    assert_eq!(tools(&["--access", "read-only"]).await, reading);
    assert_eq!(tools(&["--read-only"]).await, reading);
    assert_eq!(tools(&[]).await, [&reading[..], &changing[..]].concat());
    assert_eq!(
        tools(&["--access", "changes"]).await,
        [&reading[..], &changing[..]].concat()
    );
    let all = tools(&["--access", "read-write"]).await;
    assert_eq!(
        all,
        [&reading[..], &changing[..], &["execute_script"]].concat()
    );
}

#[tokio::test]
async fn a_script_runs_whole_and_says_what_each_statement_did() {
    let (_dir, server) = served(PEOPLE, &["--access", "read-write"]).await;
    let sql = "-- a comment; with a semicolon\nCREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT);\n\
               INSERT INTO pets (name) VALUES ('a;b'), ('c');;\n\
               /* two */ UPDATE people SET note = 'z' WHERE id < 3;\nSELECT * FROM people;\n\
               CREATE TRIGGER t AFTER INSERT ON pets BEGIN UPDATE people SET age = 1; END;\n\
               WITH x AS (SELECT 9 AS id) DELETE FROM people WHERE id IN x; PRAGMA user_version = 3";
    let data = server.good("execute_script", json!({"sql": sql})).await;
    let told: Vec<(Value, Value, Value)> = data["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["line"].clone(), s["changed"].clone(), s["rows"].clone()))
        .collect();
    let t = |line: i64, changed: Value, rows: Value| (json!(line), changed, rows);
    assert_eq!(
        told,
        [
            t(2, Value::Null, Value::Null),
            t(3, json!(2), Value::Null),
            t(4, json!(2), Value::Null),
            t(5, Value::Null, json!(4)),
            t(6, Value::Null, Value::Null),
            t(7, json!(0), Value::Null),
            t(7, Value::Null, Value::Null),
        ]
    );
    assert_eq!(
        (&data["statement_count"], &data["changed"]),
        (&json!(7), &json!(4))
    );
    // The new table is known at once, and so is what the trigger does.
    let new = server
        .good(
            "insert_record",
            json!({"table": "pets", "values": {"name": "d"}}),
        )
        .await;
    assert_eq!(new["key"], json!({"id": 3}));
    assert_eq!(
        rows(&server, "SELECT DISTINCT age FROM people").await,
        json!([[1]])
    );
}

#[tokio::test]
async fn a_script_that_fails_is_taken_back_and_none_leaves_its_transaction_or_its_file() {
    let (dir, server) = served(PEOPLE, &["--access", "read-write"]).await;
    let loot = dir.path().join("loot.db").display().to_string();
    let cases = [
        (
            "DELETE FROM people;\nDROP TABLE pepole;",
            "Statement 2 of the script (line 2)",
        ),
        (
            "DELETE FROM people;\n\n  SELEC 1;",
            "(line 3, column 3, at `SELEC 1;`)",
        ),
        (
            "DELETE FROM people; SELECT emial FROM people",
            "no such column",
        ),
        (
            "DELETE FROM people; INSERT INTO people VALUES (1, NULL, 1, 1)",
            "NOT NULL",
        ),
        ("DELETE FROM people; COMMIT", "Refused"),
        ("DELETE FROM people; END; BEGIN", "Refused"),
        ("DELETE FROM people; ROLLBACK", "Refused"),
        ("DELETE FROM people; VACUUM", "VACUUM"),
        ("DELETE FROM people; PRAGMA journal_mode = OFF", "Refused"),
        ("DELETE FROM people; PRAGMA writable_schema = ON", "Refused"),
        ("DELETE FROM people; SELECT load_extension('x')", "Refused"),
        ("DELETE FROM people; SELECT ?", "no parameters"),
        ("DELETE FROM people; DETACH main", "Refused"),
        (
            "DELETE FROM people; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n LIMIT 1) DELETE FROM nowhere",
            "no such table",
        ),
        ("DELETE FROM people; SELECT '\u{0}'", "NUL"),
        (" ; -- nothing\n", "no statement"),
        ("", "no statement"),
    ];
    for (sql, said) in cases {
        let reply = server.refused("execute_script", json!({"sql": sql})).await;
        assert!(reply.contains(said), "{sql}: {reply}");
    }
    for outside in ["ATTACH '{}' AS x", "VACUUM INTO '{}'"] {
        let sql = format!("DELETE FROM people; {}", outside.replace("{}", &loot));
        server.refused("execute_script", json!({"sql": sql})).await;
    }
    assert!(!std::path::Path::new(&loot).exists());
    assert_eq!(
        rows(&server, "SELECT count(*) FROM people").await,
        json!([[4]])
    );
}

#[tokio::test]
async fn a_script_is_bounded_and_what_it_leaves_on_its_connection_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("made.db");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch(PEOPLE)
        .unwrap();
    let arguments = ["database", "--access", "read-write", file.to_str().unwrap()];
    let env = [("MCPDECK_QUERY_TIMEOUT_MS", "300")];
    let server = Served::start_with(&arguments, &env, crate::client::modern()).await;
    let endless = "DELETE FROM people; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let said = server
        .refused("execute_script", json!({"sql": endless}))
        .await;
    assert!(
        said.contains("0.3 s") && said.contains("taken back"),
        "{said}"
    );
    // A table of the connection's own would stand before the real one.
    let shadow = "CREATE TEMP TABLE people AS SELECT 1 AS id, 'ghost' AS name";
    server.good("execute_script", json!({"sql": shadow})).await;
    let all = json!({"table": "people", "set": {"note": "real"}, "all": true});
    assert_eq!(server.good("update_records", all).await["updated"], 4);
    let few = json!({"sql": "SELECT count(*) FROM people WHERE note = 'real'"});
    assert_eq!(
        server.good("query_database", few).await["rows"],
        json!([[4]])
    );
}

#[tokio::test]
async fn a_change_waits_for_another_writer_and_says_so_when_it_takes_too_long() {
    let (dir, server) = served(PEOPLE, &[]).await;
    let other = rusqlite::Connection::open(dir.path().join("made.db")).unwrap();
    let add = json!({"table": "people", "values": {"name": "E"}});
    server.good("insert_record", add.clone()).await;
    let mode: String = other
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");

    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM people")
        .unwrap();
    // Readers go on meanwhile.
    assert_eq!(
        rows(&server, "SELECT count(*) FROM people").await,
        json!([[5]])
    );
    let began = Instant::now();
    let said = server.refused("insert_record", add.clone()).await;
    assert!(said.contains("locked") && said.contains("5 s"), "{said}");
    assert!(began.elapsed() >= Duration::from_secs(5));

    // Whoever waits can be cancelled, and whoever waits long enough gets its turn.
    let began = Instant::now();
    let waiting = server.started("insert_record", add.clone()).await;
    waiting.cancel(None).await.unwrap();
    let patient = server.call("insert_record", add);
    let free = async {
        rows(&server, "SELECT 1").await;
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (patient, ()) = tokio::join!(patient, free);
    assert!(!patient.is_error, "{}", patient.text);
    assert!(began.elapsed() < Duration::from_secs(5));
    let names = rows(&server, "SELECT count(*) FROM people WHERE name = 'E'").await;
    assert_eq!(names, json!([[2]]));
}

#[tokio::test]
async fn many_change_at_once_and_nothing_is_lost() {
    let (_dir, server) = served("CREATE TABLE n (i INT)", &["--access", "read-write"]).await;
    let inserts =
        (0..60).map(|i| server.good("insert_record", json!({"table": "n", "values": {"i": i}})));
    let reads =
        (0..60).map(|_| server.good("query_database", json!({"sql": "SELECT count(*) FROM n"})));
    let scripts = (0..20).map(|i| {
        let sql = format!("INSERT INTO n VALUES ({}), ({})", 100 + 2 * i, 101 + 2 * i);
        server.good("execute_script", json!({"sql": sql}))
    });
    futures::join!(
        futures::future::join_all(inserts),
        futures::future::join_all(reads),
        futures::future::join_all(scripts)
    );
    let all = rows(&server, "SELECT count(*), count(DISTINCT i) FROM n").await;
    assert_eq!(all, json!([[100, 100]]));
}

#[tokio::test]
async fn a_database_in_memory_lives_as_long_as_its_server() {
    let server = Served::start(&["database", "--access=read-write", "sqlite::memory:"]).await;
    let sql = "CREATE TABLE t (n); INSERT INTO t VALUES (1)";
    server.good("execute_script", json!({"sql": sql})).await;
    let more = json!({"table": "t", "values": {"n": 2}});
    assert_eq!(
        server.good("insert_record", more).await["key"],
        json!({"rowid": 2})
    );
    assert_eq!(rows(&server, "SELECT n FROM t").await, json!([[1], [2]]));
    server
        .refused(
            "query_database",
            json!({"sql": "DELETE FROM t RETURNING n"}),
        )
        .await;
    assert_eq!(rows(&server, "SELECT count(*) FROM t").await, json!([[2]]));
}

#[tokio::test]
async fn a_server_that_ends_leaves_one_file() {
    let (dir, server) = served(PEOPLE, &[]).await;
    let add = json!({"table": "people", "values": {"name": "E"}});
    server.good("insert_record", add).await;
    rows(&server, "SELECT 1").await;
    assert!(server.leave().await.success());
    assert_eq!(names(dir.path()), ["made.db"]);

    // A script takes the connection that would have tidied up.
    let database = dir.path().join("made.db").display().to_string();
    let arguments = ["database", &database, "--access", "read-write"];
    let server = Served::start(&arguments).await;
    rows(&server, "SELECT 1").await;
    server
        .good("execute_script", json!({"sql": "CREATE TABLE more (n)"}))
        .await;
    assert!(server.leave().await.success());
    assert_eq!(names(dir.path()), ["made.db"]);
}

fn names(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name()).collect()
}

#[tokio::test]
async fn a_column_of_decimals_says_that_they_are_floats() {
    let made = "CREATE TABLE t (id INTEGER, paid DECIMAL(20,2), at REAL); INSERT INTO t VALUES (1, '12345678901234567890.12', 1)";
    let (_dir, server) = served(made, &[]).await;
    let schema = server.good("get_table_schema", json!({"table": "t"})).await;
    assert_eq!(
        schema["options"],
        json!(["decimals of paid are floats here: 15 digits are exact"])
    );
}
