//! Many at once, cancelled, too long, too large: the pool and its bounds.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::{Shop, serve};

/// Waits until a count that the superuser asks for is as wanted.
async fn until(shop: &Shop, sql: &str, wanted: i64, limit: Duration) {
    let end = Instant::now() + limit;
    loop {
        let found = shop.number(sql).await;
        if found == wanted {
            return;
        }
        assert!(Instant::now() < end, "{sql}: {found} instead of {wanted}");
        tokio::task::yield_now().await;
    }
}

fn sleeping(shop: &Shop) -> String {
    let name = &shop.name;
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND state = 'active' AND query LIKE '%mcpdeck_page' \
         AND wait_event = 'PgSleep'"
    )
}

#[tokio::test]
async fn a_cancelled_query_ends_on_the_server_within_a_second() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let secure = shop.with(&shop.reader(), "127.0.0.1", "sslmode=require");
    let secure = serve(&secure, "read-only", &[]).await;
    for server in [&server, &secure] {
        let handle = server
            .started("query_database", json!({"sql": "SELECT pg_sleep(3600)"}))
            .await;
        until(&shop, &sleeping(&shop), 1, Duration::from_secs(20)).await;
        handle.cancel(Some("enough".to_owned())).await.unwrap();
        until(&shop, &sleeping(&shop), 0, Duration::from_secs(1)).await;
        let data = server
            .good("query_database", json!({"sql": "SELECT 1"}))
            .await;
        assert_eq!(data["rows"], json!([[1]]));
    }
}

#[tokio::test]
async fn sixty_four_calls_at_once_share_a_bounded_pool() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let calls = (0..64).map(|n| {
        let server = &server;
        async move {
            let sql = format!("SELECT {n}, pg_sleep(0.05), count(*) FROM shop.orders");
            let data = server.good("query_database", json!({"sql": sql})).await;
            assert_eq!(data["rows"], json!([[n, "", 500]]));
        }
    });
    futures::future::join_all(calls).await;
    let name = &shop.name;
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND usename = 'deck_reader'"
    );
    let sessions = shop.number(&sessions).await;
    assert!((1..=8).contains(&sessions), "{sessions} sessions");
    let idle = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND usename = 'deck_reader' AND state <> 'idle'"
    );
    until(&shop, &idle, 0, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn two_servers_on_one_database_see_each_others_changes() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let one = serve(&shop.writer(), "changes", &[]).await;
    let two = serve(&shop.writer(), "read-write", &[]).await;
    let both = (0..40).map(|n| {
        let server = if n % 2 == 0 { &one } else { &two };
        let row = json!({"table": "shop.customers", "values": {"name": format!("n{n}")}});
        async move { server.good("insert_record", row).await }
    });
    futures::future::join_all(both).await;
    for server in [&one, &two] {
        let count = json!({"sql": "SELECT count(*) FROM shop.customers"});
        let data = server.good("query_database", count).await;
        assert_eq!(data["rows"], json!([[90]]));
    }
    // A table that the one makes is known to the other, at the latest when its catalogue is a moment old.
    let made = json!({"sql": "CREATE TABLE shop.fresh (n int)"});
    one.good("list_tables", json!({})).await;
    two.good("execute_script", made).await;
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let tables = one.good("list_tables", json!({})).await;
        if tables.to_string().contains("shop.fresh") {
            break;
        }
        assert!(Instant::now() < end, "{tables}");
    }
}

#[tokio::test]
async fn what_takes_too_long_or_is_too_large_is_ended_and_the_next_call_is_not() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let env = [("MCPDECK_QUERY_TIMEOUT_MS", "3000")];
    let server = serve(&shop.reader(), "read-only", &env).await;
    for sql in [
        "SELECT pg_sleep(3600)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(3600)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "SELECT repeat('x', 1000000000)",
        "SELECT repeat('x', 90000000) FROM generate_series(1, 10)",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
    ] {
        let began = Instant::now();
        let said = server.refused("query_database", json!({"sql": sql})).await;
        assert!(said.contains("ended"), "{sql}: {said}");
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{sql}: {:?}",
            began.elapsed()
        );
        let data = server
            .good("query_database", json!({"sql": "SELECT 1"}))
            .await;
        assert_eq!(data["rows"], json!([[1]]), "after {sql}");
    }
    let name = &shop.name;
    let active = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND usename = 'deck_reader' AND state <> 'idle'"
    );
    until(&shop, &active, 0, Duration::from_secs(10)).await;
    if let Ok(status) =
        std::fs::read_to_string(format!("/proc/{}/status", server.child.id().unwrap()))
    {
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
        assert!(kib < 256 * 1024, "the server needed {kib} KiB");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_during_a_query_is_told_and_replaced() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.reader(), "read-only", &[]).await;
    let end = json!({"sql": "SELECT pg_terminate_backend(pg_backend_pid())"});
    for _ in 0..3 {
        let said = server.refused("query_database", end.clone()).await;
        assert!(said.contains("broke"), "{said}");
        let data = server
            .good("query_database", json!({"sql": "SELECT 1"}))
            .await;
        assert_eq!(data["rows"], json!([[1]]));
    }
}
