//! More than ten thousand generated statements that try to change, to leave or to exhaust the database: on the server, as a role
//! that may only read and as one that may write, and on a check that looks at the text.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Served;
use crate::cluster::{Shop, connect, serve};
use crate::statements::{Aim, Generator};

/// Statements for a role that may only read, and for one that may write where only the server keeps it from that.
const AS_READER: usize = 10_000;
const AS_WRITER: usize = 3_000;

/// Servers that share the statements, and calls at once on each.
const SERVERS: u64 = 2;
const CALLS: u64 = 4;

/// The limit of time that the servers are given.
const LIMIT_MS: &str = "700";

async fn attack(server: &Served, seed: u64, count: usize, file: &Path) -> usize {
    let mut generator = Generator::new(seed);
    let mut refused = 0;
    for _ in 0..count {
        let statement = generator.next(file.to_str().unwrap());
        let began = Instant::now();
        let reply = server
            .call("query_database", json!({"sql": statement.sql}))
            .await;
        let took = began.elapsed();
        assert!(
            took < Duration::from_secs(10),
            "{} took {took:?}",
            statement.sql
        );
        match statement.aim {
            Aim::Write => assert!(reply.is_error, "{} gave {}", statement.sql, reply.data),
            Aim::Leave | Aim::Exhaust => {}
        }
        refused += usize::from(reply.is_error);
    }
    refused
}

/// Whether sessions that are lent again are as they were at their beginning.
async fn assert_clean(shop: &Shop, server: &Served) {
    let sql = "SELECT current_setting('transaction_read_only'), current_setting('search_path'), current_user, session_user, \
        current_setting('default_transaction_read_only'), current_setting('work_mem'), current_setting('client_encoding'), \
        coalesce(current_setting('deck.x100', true), ''), pg_my_temp_schema()::int, \
        (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), \
        (SELECT count(*) FROM pg_cursors WHERE name <> 'mcpdeck_page')";
    let mut seen = Vec::new();
    for _ in 0..40 {
        let data = server.good("query_database", json!({"sql": sql})).await;
        let row = data["rows"][0].clone();
        if !seen.contains(&row) {
            seen.push(row);
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    let row = &seen[0];
    assert_eq!(row[0], "on");
    assert_eq!(row[1], "\"$user\", public");
    assert_eq!(
        (&row[2], &row[8], &row[9], &row[10], &row[11]),
        (&row[3], &json!(0), &json!(0), &json!(0), &json!(0))
    );
    assert_eq!((&row[4], &row[6]), (&json!("off"), &json!("UTF8")));
    let name = &shop.name;
    let left = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.datname = '{name}' AND a.usename <> 'deck_super'"
    );
    let end = Instant::now() + Duration::from_secs(10);
    while shop.number(&left).await > 0 {
        assert!(Instant::now() < end, "locks are left");
    }
}

#[tokio::test]
async fn ten_thousand_statements_leave_nothing_behind() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let file = shop.folder.join(format!("{}.stolen", shop.name));
    let before = shop.fingerprint().await;
    let env = [("MCPDECK_QUERY_TIMEOUT_MS", LIMIT_MS)];
    let mut refused = 0;
    for (url, access, count) in [
        (shop.reader(), "read-only", AS_READER),
        (shop.writer(), "read-only", AS_WRITER),
    ] {
        let mut servers = Vec::new();
        // TLS has tests of its own, and is slow in a build that is not optimised.
        let url = shop.with(&url, "127.0.0.1", "sslmode=disable");
        for _ in 0..SERVERS {
            servers.push(serve(&url, access, &env).await);
        }
        let each = count / usize::try_from(SERVERS * CALLS).unwrap() + 1;
        let calls = (0..SERVERS * CALLS).map(|n| {
            let server = &servers[usize::try_from(n % SERVERS).unwrap()];
            attack(server, 0x9E37_79B9_7F4A_7C15 ^ (n + 1), each, &file)
        });
        let done = futures::future::join_all(calls).await;
        refused += done.into_iter().sum::<usize>();
        for server in &servers {
            assert_clean(&shop, server).await;
        }
    }
    assert_eq!(shop.fingerprint().await, before);
    assert!(!file.exists());
    assert!(
        refused > (AS_READER + AS_WRITER) / 2,
        "only {refused} were refused"
    );
}

/// The check of the demos that people write: the text begins with SELECT (or WITH), so it is harmless.
fn looks_harmless(sql: &str) -> bool {
    let text = sql.trim().to_uppercase();
    text.starts_with("SELECT") || text.starts_with("WITH")
}

#[tokio::test]
async fn a_check_of_the_text_lets_some_of_the_same_statements_through() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let file = shop.folder.join("naive.stolen");
    let file = file.to_str().unwrap();
    let mut before = shop.fingerprint().await;
    let mut through = Vec::new();
    let harmless = Generator::plain(Aim::Write, file).into_iter();
    for sql in harmless.filter(|sql| looks_harmless(sql)) {
        // Each has a connection of its own, so that one that ends its session is no trouble for the next.
        let naive = connect(&shop.writer()).await;
        naive
            .batch_execute("SET statement_timeout = '2s'")
            .await
            .unwrap();
        let _refused_by_the_engine = naive.batch_execute(&sql).await;
        let after = shop.fingerprint().await;
        if after != before {
            through.push(sql);
        }
        before = after;
    }
    assert!(
        through.len() >= 10,
        "the control let only these through: {through:#?}"
    );
}
