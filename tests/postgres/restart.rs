//! The server is restarted between calls. Alone, because it takes the cluster away from all others.

use std::process::Command;

use serde_json::json;

use crate::cluster::{Shop, serve};

#[tokio::test]
async fn a_restart_between_calls_is_survived_and_nothing_is_sent_twice() {
    let Ok(restart) = std::env::var("MCPDECK_TEST_POSTGRES_RESTART") else {
        eprintln!("skipped: set MCPDECK_TEST_POSTGRES_RESTART, as .ci/suites/postgres.sh does");
        return;
    };
    let Some(shop) = Shop::open().await else {
        return;
    };
    let server = serve(&shop.writer(), "changes", &[]).await;
    let count = json!({"sql": "SELECT count(*) FROM shop.customers"});
    let one = json!({"table": "shop.customers", "values": {"name": "Mới"}});
    for n in 51..54 {
        server.good("insert_record", one.clone()).await;
        let data = server.good("query_database", count.clone()).await;
        assert_eq!(data["rows"], json!([[n]]));
        assert!(Command::new(&restart).status().unwrap().success());
    }
    let data = server.good("query_database", count).await;
    assert_eq!(data["rows"], json!([[53]]));
}
