//! What is there: tables, schemas, row counts, plans, and values that keep every digit.

use serde_json::{Value, json};

use crate::cluster::{Shop, serve};

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter();
    let mut found = found.filter(|one| one["name"] == name);
    found.next().unwrap_or_else(|| panic!("{name} in {list}"))
}

#[tokio::test]
async fn the_catalogue_tells_what_the_role_may_see() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let tables = server.good("list_tables", json!({})).await["tables"].clone();
    for (name, kind, rows) in [
        ("shop.customers", "table", 50),
        ("shop.orders", "table", 500),
        ("shop.spent", "view", 50),
        ("shop.visits", "table", 100),
        ("Odd; \"name", "table", 1),
    ] {
        let table = named(&tables, name);
        assert_eq!(
            (&table["type"], &table["rows"]),
            (&json!(kind), &json!(rows)),
            "{table}"
        );
    }
    assert_eq!(named(&tables, "shop.monthly")["type"], "materialized_view");
    let text = tables.to_string();
    assert!(
        !text.contains("secrets") && !text.contains("visits_2026"),
        "{text}"
    );

    let schema = |table: &str| server.good("get_table_schema", json!({"table": table}));
    let orders = schema("shop.orders").await;
    assert_eq!(orders["primary_key"], json!(["id"]));
    let total = named(&orders["columns"], "total");
    assert_eq!(
        (&total["type"], &total["nullable"]),
        (&json!("numeric(12,2)"), &json!(false))
    );
    assert_eq!(named(&orders["columns"], "tax")["generated"], "stored");
    let key = &orders["foreign_keys"][0];
    assert_eq!(
        (&key["table"], &key["to"]),
        (&json!("shop.customers"), &json!(["id"]))
    );
    assert_eq!(key["on_delete"], "CASCADE");
    let index = named(&orders["indexes"], "orders_big");
    assert_eq!(index["columns"][0], "customer_id");
    assert!(index["only"].as_str().unwrap().contains("100"), "{index}");
    assert!(
        orders["checks"][0].as_str().unwrap().contains("total"),
        "{orders}"
    );
    let customers = schema("shop.customers").await;
    assert_eq!(customers["comment"], "Who buys");
    assert_eq!(named(&customers["columns"], "id")["generated"], "identity");
    assert_eq!(
        named(&customers["columns"], "mood")["comment"],
        "As the clerk saw it"
    );
    assert!(
        schema("shop.spent").await["definition"]
            .as_str()
            .unwrap()
            .contains("sum(")
    );
    let parts = schema("shop.visits").await["options"].to_string();
    assert!(parts.contains("partitioned by RANGE (at)"), "{parts}");
    assert_eq!(schema("Odd; \"name").await["columns"][0]["name"], "select");
    let said = server
        .refused("get_table_schema", json!({"table": "shop.custmers"}))
        .await;
    assert!(said.contains("Did you mean `shop.customers`"), "{said}");
}

#[tokio::test]
async fn values_keep_every_digit_and_their_kind() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let sql = "SELECT 9223372036854775807::int8, 0.10::numeric(20,2), 12345678901234567890.000000001::numeric, 0.1::float8, \
        'Infinity'::float8, 'NaN'::numeric, true, NULL, '\\x00ff'::bytea, date '2026-02-28', \
        timestamptz '2026-11-22 14:05:00.25+00', timestamp '2026-11-22 14:05:00', interval '1 year 2 days', \
        ARRAY[1, NULL], 'hurried'::shop.mood, '1.2.3.4'::inet, int4range(1, 5), ROW(1, 'a'), '{\"a\": 1.50}'::jsonb, 7::oid, 3::int2";
    let data = server.good("query_database", json!({"sql": sql})).await;
    let expected = json!([[
        i64::MAX, "0.10", "12345678901234567890.000000001", 0.1, "Infinity", "NaN", true, null, {"blob_bytes": 2}, "2026-02-28",
        data["rows"][0][10], "2026-11-22T14:05:00", "P1Y2D", "{1,NULL}", "hurried", "1.2.3.4", "[1,5)", "(1,a)", "{\"a\": 1.50}", 7, 3
    ]]);
    assert_eq!(data["rows"], expected);
    let kinds: Vec<&str> = data["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds[..4],
        ["bigint", "numeric", "numeric", "double precision"]
    );
    assert_eq!((kinds[13], kinds[14]), ("integer[]", "mood"));
    // Whatever the session's zone is, the value says which.
    let zoned = data["rows"][0][10].as_str().unwrap();
    assert!(
        zoned.contains("T") && zoned[19..].contains(['+', '-']),
        "{zoned}"
    );

    let sql = "SELECT $1::int8, $2::numeric, $3::text, $4::bool, $5::date, $6::shop.mood, $7::jsonb, $8::int4[], $9::float8, $10::text";
    let params = json!([
        i64::MIN,
        "0.10",
        "'; DROP TABLE x --",
        true,
        "2026-02-28",
        "calm",
        "{\"a\": 1}",
        "{1,2}",
        0.1,
        null
    ]);
    let data = server
        .good("query_database", json!({"sql": sql, "params": params}))
        .await;
    assert_eq!(data["rows"], json!([params]));
    let said = server
        .refused("query_database", json!({"sql": sql, "params": [1]}))
        .await;
    assert!(said.contains("10 parameters"), "{said}");
}

#[tokio::test]
async fn long_results_come_page_by_page() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let mut cursor = Value::Null;
    let mut seen = Vec::new();
    loop {
        let mut arguments = json!({"sql": "SELECT id FROM shop.orders ORDER BY id", "limit": 130});
        if !cursor.is_null() {
            arguments["cursor"] = cursor;
        }
        let data = server.good("query_database", arguments).await;
        let rows = data["rows"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row[0].as_i64().unwrap()));
        cursor = data["next_cursor"].clone();
        assert_eq!(data["truncated"], json!(!cursor.is_null()));
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, (1..=500).collect::<Vec<i64>>());
    // A page ends before a mebibyte, whatever the rows weigh.
    let wide = json!({"sql": "SELECT repeat('x', 300000) FROM generate_series(1, 50)"});
    let data = server.good("query_database", wide).await;
    assert_eq!(
        (&data["row_count"], &data["truncated"]),
        (&json!(3), &json!(true))
    );
    let blob = json!({"sql": "SELECT decode(repeat('00', 10000000), 'hex')"});
    let data = server.good("query_database", blob).await;
    assert_eq!(data["rows"], json!([[{"blob_bytes": 10_000_000}]]));
}

#[tokio::test]
async fn a_plan_is_shown_and_nothing_runs() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let before = shop.fingerprint().await;
    let server = serve(&shop.writer(), "read-write", &[]).await;
    let sql = "SELECT * FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id WHERE o.total > $1";
    let data = server
        .good("explain_query", json!({"sql": sql, "params": [5]}))
        .await;
    assert!(data["plan"].to_string().contains("orders"), "{data}");
    let data = server
        .good("explain_query", json!({"sql": "DELETE FROM shop.orders"}))
        .await;
    assert!(
        data["plan"].to_string().contains("Delete on orders"),
        "{data}"
    );
    for sql in [
        "ANALYZE DELETE FROM shop.orders",
        "(ANALYZE) DELETE FROM shop.orders",
        "SELECT 1; DELETE FROM shop.orders",
        "VACUUM",
    ] {
        server.refused("explain_query", json!({"sql": sql})).await;
    }
    assert_eq!(shop.fingerprint().await, before);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_and_the_nearest_name() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    for (sql, words) in [
        (
            "SELECT name,\n  emial FROM shop.customers",
            &["`emial`", "line 2, column 3", "email"][..],
        ),
        (
            "SELECT * FROM shop.custmers",
            &["shop.custmers", "Did you mean `shop.customers`"],
        ),
        ("SELEC 1", &["syntax error", "line 1, column 1"]),
        (
            "SELECT * FROM hidden.secrets",
            &["permission denied", "deck_reader"],
        ),
        ("SELECT 1/0", &["division by zero"]),
        ("", &["SELECT"]),
    ] {
        let said = server.refused("query_database", json!({"sql": sql})).await;
        for word in words {
            assert!(said.replace('"', "`").contains(word), "{sql}: {said}");
        }
    }
}

/// Whoever owns a schema that comes before the system's in a role's search path puts types, functions and operators of the
/// system's names into it: the catalogue is the same, and nothing of theirs runs.
#[tokio::test]
async fn a_schema_before_the_systems_deceives_nobody() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let tables = async |shop: &Shop| {
        let server = serve(&shop.reader(), "read-only", &[]).await;
        let orders = json!({"table": "shop.orders"});
        let schema = server.good("get_table_schema", orders).await;
        let tables = server.good("list_tables", json!({})).await["tables"].clone();
        (named(&tables, "shop.orders").clone(), schema)
    };
    let before = tables(&shop).await;
    assert_eq!(before.0["rows"], 500);
    shop.admin.batch_execute(EVIL).await.unwrap();
    for url in [shop.reader(), shop.writer()] {
        let (_, role) = url.split_once("://").unwrap();
        let (role, _) = role.split_once(':').unwrap();
        let path = format!(
            "ALTER ROLE {role} IN DATABASE {} SET search_path = evil, pg_catalog, public",
            shop.name
        );
        shop.admin.batch_execute(&path).await.unwrap();
    }
    assert_eq!(tables(&shop).await, before);
    let server = serve(&shop.writer(), "changes", &[]).await;
    let change = json!({"table": "shop.orders", "set": {"total": 1}, "all": true, "dry_run": true});
    assert_eq!(server.good("update_records", change).await["updated"], 500);
    assert_eq!(shop.number("SELECT count(*) FROM evil.log").await, 0);
}

const EVIL: &str = r#"
CREATE SCHEMA evil; CREATE TABLE evil.log (m pg_catalog.text);
CREATE FUNCTION evil.noted(said pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO evil.log VALUES (said); RETURN false; END $$;
CREATE FUNCTION evil.same(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.noted('oid') $$;
CREATE FUNCTION evil.same(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.noted('name') $$;
CREATE FUNCTION evil.same(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.noted('text') $$;
CREATE FUNCTION evil.same("char", "char") RETURNS boolean LANGUAGE sql AS $$ SELECT evil.noted('char') $$;
CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = "char", RIGHTARG = "char", FUNCTION = evil.same);
CREATE FUNCTION evil.starts_with(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.noted('starts_with') $$;
CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE sql AS $$ SELECT 7::bigint $$;
CREATE TABLE evil.pg_class (oid oid); CREATE TABLE evil.pg_roles (rolname name);
CREATE DOMAIN evil.int2 AS pg_catalog.int2 CHECK (evil.noted('int2'));
CREATE DOMAIN evil.int8 AS pg_catalog.int8 CHECK (evil.noted('int8'));
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.noted('type'));
GRANT USAGE ON SCHEMA evil TO PUBLIC; GRANT INSERT ON evil.log TO PUBLIC; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA evil TO PUBLIC;
"#;
