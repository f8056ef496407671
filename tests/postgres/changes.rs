//! Inserts, updates, deletes and scripts: what they say, what they change, and what they leave when something fails.

use serde_json::json;

use crate::cluster::{Shop, serve};

/// A fingerprint without the numbers that sequences have given out, which a trial changes too.
fn rows(print: &str) -> Vec<&str> {
    let lines = print.lines();
    lines.filter(|line| !line.contains("is_called")).collect()
}

#[tokio::test]
async fn rows_are_inserted_updated_and_deleted_by_parameters() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let before = shop.fingerprint().await;
    let server = serve(&shop.writer(), "changes", &[]).await;
    let odd = "x'); DROP TABLE shop.orders; --";
    let row = json!({"table": "shop.customers", "values": {"name": odd, "mood": "hurried", "since": "2026-11-22"}, "dry_run": true});
    server.good("insert_record", row.clone()).await;
    let update = json!({"table": "shop.orders", "set": {"total": "7.10"}, "where": [{"column": "total", "op": "<", "value": 10}]});
    let delete = json!({"table": "shop.orders", "where": [{"column": "customer_id", "op": "=", "value": 3}]});
    for (tool, arguments, field, rows) in [
        ("update_records", &update, "updated", 7),
        ("delete_records", &delete, "deleted", 10),
    ] {
        let mut trial = arguments.clone();
        trial["dry_run"] = json!(true);
        let data = server.good(tool, trial).await;
        assert_eq!(data[field], rows, "{data}");
    }
    // A trial changes nothing but the numbers that sequences have given out.
    assert_eq!(rows(&shop.fingerprint().await), rows(&before));

    let mut real = row;
    real["dry_run"] = json!(false);
    let data = server.good("insert_record", real).await;
    assert!(data["key"]["id"].is_i64(), "{data}");
    let count = |sql: &'static str| shop.number(sql);
    assert_eq!(count("SELECT count(*) FROM shop.customers WHERE name LIKE '%DROP TABLE%' AND mood = 'hurried'").await, 1);
    server.good("update_records", update).await;
    assert_eq!(
        count("SELECT count(*) FROM shop.orders WHERE total = 7.10").await,
        7
    );
    server.good("delete_records", delete).await;
    assert_eq!(
        count("SELECT count(*) FROM shop.orders WHERE customer_id = 3").await,
        0
    );
}

#[tokio::test]
async fn a_change_that_fails_leaves_everything_as_it_was() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let before = shop.fingerprint().await;
    let server = serve(&shop.writer(), "changes", &[]).await;
    for (tool, arguments, words) in [
        (
            "insert_record",
            json!({"table": "shop.orders", "values": {"customer_id": 999, "total": 1}}),
            "foreign key",
        ),
        (
            "update_records",
            json!({"table": "shop.orders", "set": {"total": -1}, "all": true}),
            "check constraint",
        ),
        (
            "update_records",
            json!({"table": "shop.customers", "set": {"email": "c1@example.com"}, "where": [{"column": "id", "op": "=", "value": 2}]}),
            "unique",
        ),
        (
            "update_records",
            json!({"table": "shop.orders", "set": {"total": "many"}, "all": true}),
            "numeric",
        ),
        (
            "update_records",
            json!({"table": "shop.orders", "set": {"total": 1_234_567_890.123_456_7_f64}, "all": true}),
            "send it as text",
        ),
        (
            "delete_records",
            json!({"table": "shop.orders", "all": true, "max_rows": 10}),
            "500 rows",
        ),
        (
            "delete_records",
            json!({"table": "hidden.secrets", "all": true}),
            "no table",
        ),
        (
            "insert_record",
            json!({"table": "shop.orders", "values": {"tax": 1}}),
            "tax",
        ),
    ] {
        let said = server.refused(tool, arguments).await;
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(rows(&shop.fingerprint().await), rows(&before));
}

#[tokio::test]
async fn a_script_is_all_or_nothing() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.writer(), "read-write", &[]).await;
    let script = "CREATE TABLE shop.notes (id int PRIMARY KEY, body text); -- one; two\nINSERT INTO shop.notes VALUES (1, 'a;b'), (2, $$c;d$$);\nSELECT * FROM shop.notes;";
    let data = server.good("execute_script", json!({"sql": script})).await;
    assert_eq!(data["statements"][1]["changed"], 2, "{data}");
    assert_eq!(data["statements"][2]["rows"], 2, "{data}");
    let before = shop.fingerprint().await;
    for (sql, words) in [
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); INSERT INTO shop.nowhere VALUES (1)",
            "nowhere",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); COMMIT; SELECT 1/0",
            "transaction",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x');\n/* x */ commit",
            "Line 2",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); CALL shop.sweep()",
            "transaction termination",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); DO $$ BEGIN COMMIT; END $$",
            "transaction termination",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); PREPARE TRANSACTION 'p'",
            "transaction",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); COPY shop.notes FROM STDIN",
            "COPY",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); VACUUM",
            "transaction block",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x'); SELECT 'never closed",
            "unterminated",
        ),
        (
            "INSERT INTO shop.notes VALUES (3, 'x');\n\u{a0}COMMIT",
            "syntax",
        ),
    ] {
        let said = server.refused("execute_script", json!({"sql": sql})).await;
        assert!(said.contains(words), "{sql}: {said}");
        assert_eq!(shop.fingerprint().await, before, "{sql}");
    }
    let found = server
        .good(
            "query_database",
            json!({"sql": "SELECT body FROM shop.notes ORDER BY id"}),
        )
        .await;
    assert_eq!(found["rows"], json!([["a;b"], ["c;d"]]));
}
