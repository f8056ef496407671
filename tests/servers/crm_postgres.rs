//! The same CRM on PostgreSQL: what holds on a file holds there. Runs where `MCPDECK_TEST_POSTGRES` names a server, as a role that
//! may create databases; each test has one of its own.

use tokio_postgres::{Client, NoTls};

use crate::client::{Served, modern};
use crate::crm::{NOW, session};
use crate::crm_store::{concurrent, refused};

/// A new database: its URL, and a client that is in it.
async fn database(name: &str) -> Option<(String, Client)> {
    let Ok(server) = std::env::var("MCPDECK_TEST_POSTGRES") else {
        println!("skipped: MCPDECK_TEST_POSTGRES names no server");
        return None;
    };
    let admin = client(&server).await;
    let name = format!("crm_{name}_{}", std::process::id());
    let made = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    admin.batch_execute(&made).await.unwrap();
    admin
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (start, _) = server.rsplit_once('/').unwrap();
    let url = format!("{start}/{name}");
    let inside = client(&url).await;
    Some((url, inside))
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_session_is_the_same_as_on_a_file() {
    let Some((url, _inside)) = database("session").await else {
        return;
    };
    let server = Served::start_with(&["crm", &url], &[NOW], modern()).await;
    session(&server).await;
}

#[tokio::test]
async fn programs_that_start_and_write_at_once_lose_and_double_nothing() {
    let Some((url, inside)) = database("crowd").await else {
        return;
    };
    concurrent(&url).await;
    let steps = "SELECT count(*) = max(step) FROM crm_migrations";
    assert!(
        inside
            .query_one(steps, &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
    );
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let Some((url, inside)) = database("newer").await else {
        return;
    };
    let server = Served::start_with(&["crm", &url], &[], modern()).await;
    assert!(server.leave().await.success());
    inside
        .batch_execute("INSERT INTO crm_migrations VALUES (999, 'x')")
        .await
        .unwrap();
    let said = refused(&url, &[]).await;
    assert!(
        said.contains("newer mcpdeck") && said.contains("999"),
        "{said}"
    );
    let (_, password) = url
        .split_once("://")
        .unwrap()
        .1
        .split_once('@')
        .unwrap()
        .0
        .split_once(':')
        .unwrap();
    assert!(!said.contains(password), "{said}");
}
