//! Who is served: the role's rights at start, passwords, and what TLS modes let in.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::NoTls;

use crate::client::{LIMIT, command};
use crate::cluster::{Shop, serve};

/// What a server says that must not start.
async fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut args = args.to_vec();
    args.insert(0, "database");
    let mut command = command(&args, data.path());
    command.envs(env.iter().copied());
    let done = tokio::time::timeout(LIMIT, command.output());
    let output = done.await.unwrap().unwrap();
    assert!(!output.status.success(), "{args:?} started");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_role_that_no_read_only_transaction_binds_is_refused() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let said = refused(&[&shop.superuser()], &[]).await;
    assert!(said.contains("is a superuser"), "{said}");
    assert!(said.contains("--allow-superuser"), "{said}");
    for (n, right, words) in [
        (1, "CREATEROLE", "CREATEROLE"),
        (2, "REPLICATION", "REPLICATION"),
        (
            3,
            "IN ROLE pg_execute_server_program",
            "pg_execute_server_program",
        ),
        (
            4,
            "NOINHERIT IN ROLE pg_write_server_files",
            "pg_write_server_files",
        ),
        (5, "IN ROLE pg_read_server_files", "pg_read_server_files"),
        (6, "IN ROLE pg_signal_backend", "pg_signal_backend"),
        (7, "NOINHERIT IN ROLE deck_super", "a superuser"),
    ] {
        let role = format!("{}_{n}", shop.name);
        let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'word' {right}");
        shop.admin.batch_execute(&make).await.unwrap();
        let url = shop.reader();
        let (_, place) = url.rsplit_once('@').unwrap();
        let said = refused(&[&format!("postgres://{role}:word@{place}")], &[]).await;
        assert!(said.contains(words), "{right}: {said}");
    }
    // A function of an extension that connects by itself.
    shop.admin
        .batch_execute("CREATE EXTENSION dblink")
        .await
        .unwrap();
    let said = refused(&[&shop.reader()], &[]).await;
    assert!(said.contains("dblink"), "{said}");
    shop.admin
        .batch_execute("DROP EXTENSION dblink")
        .await
        .unwrap();
    serve(&shop.reader(), "read-only", &[]).await;
}

#[tokio::test]
async fn a_superuser_who_is_allowed_still_reads_one_statement_at_a_time() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let file = shop.folder.join(format!("{}.stolen", shop.name));
    let copy = format!(
        "SELECT 1; COPY (SELECT 1) TO PROGRAM 'cat > {}'",
        file.display()
    );
    // The known-bad control: a check of the text on an ordinary connection of a superuser.
    let (naive, connection) = tokio_postgres::connect(&shop.superuser(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    assert!(copy.starts_with("SELECT"));
    naive.batch_execute(&copy).await.unwrap();
    assert!(file.exists(), "the control wrote no file");
    std::fs::remove_file(&file).unwrap();

    let url = shop.superuser();
    let args = [
        "database",
        &url,
        "--access",
        "read-only",
        "--allow-superuser",
    ];
    let server = crate::client::Served::start(&args).await;
    for sql in [copy.as_str(), copy.split_once("; ").unwrap().1] {
        server.refused("query_database", json!({"sql": sql})).await;
        server.refused("explain_query", json!({"sql": sql})).await;
    }
    assert!(!file.exists());
}

#[tokio::test]
async fn the_password_comes_from_outside_and_is_never_shown() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let url = shop.reader();
    let (front, place) = url.rsplit_once('@').unwrap();
    let word = front.rsplit_once(':').unwrap().1;
    let bare = format!("postgres://deck_reader@{place}");
    let server = serve(&bare, "read-only", &[("PGPASSWORD", word)]).await;
    let who = json!({"sql": "SELECT current_user"});
    let data = server.good("query_database", who).await;
    assert_eq!(data["rows"], json!([["deck_reader"]]));
    let info = format!("{:?}", server.client.peer_info());
    assert!(
        info.contains("deck_reader") && !info.contains(word),
        "{info}"
    );

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pass");
    std::fs::write(&file, format!("127.0.0.1:*:*:deck_reader:{word}\n")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let path = file.to_str().unwrap();
    serve(&bare, "read-only", &[("PGPASSFILE", path)]).await;

    for wrong in [
        format!("postgres://deck_reader:hunter2@{place}"),
        format!("postgres://deck_reader:hunter2@{place}?sslmode=perhaps"),
        "postgres://deck_reader:hunter2@127.0.0.1:1/db".to_owned(),
        "postgres://deck_reader:hunter2@127.0.0.1:70000/db".to_owned(),
    ] {
        let said = refused(&[&wrong], &[]).await;
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn tls_is_what_the_mode_says() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let authority = shop.folder.join("ca.crt");
    let authority = authority.to_str().unwrap();
    let url = shop.reader();
    let with = |host: &str, parameters: &str| shop.with(&url, host, parameters);
    let secure = json!({"sql": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"});
    let root = format!("sslrootcert={authority}");
    for (host, parameters, encrypted) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        // The certificate is for `localhost`: the authority fits here, the name does not.
        ("127.0.0.1", format!("sslmode=require&{root}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&{root}"), true),
        ("localhost", format!("sslmode=verify-full&{root}"), true),
    ] {
        let server = serve(&with(host, &parameters), "read-only", &[]).await;
        let data = server.good("query_database", secure.clone()).await;
        assert_eq!(data["rows"], json!([[encrypted]]), "{host} {parameters}");
        // The request to cancel goes over the same kind of connection.
        if encrypted {
            let env = [("MCPDECK_QUERY_TIMEOUT_MS", "300")];
            let server = serve(&with(host, &parameters), "read-only", &env).await;
            let said = server.refused("query_database", json!({"sql": "SELECT pg_sleep(600)"}));
            let said = tokio::time::timeout(Duration::from_secs(10), said)
                .await
                .unwrap();
            assert!(said.contains("ended"), "{said}");
        }
    }
    for (host, parameters) in [
        ("127.0.0.1", format!("sslmode=verify-full&{root}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        (
            "localhost",
            "sslmode=verify-ca&sslrootcert=system".to_owned(),
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=/nowhere/ca.crt".to_owned(),
        ),
    ] {
        let said = refused(&[&with(host, &parameters)], &[]).await;
        assert!(said.contains("certificate"), "{host} {parameters}: {said}");
    }
}

#[tokio::test]
async fn a_socket_in_a_folder_is_a_host_too() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let url = shop.reader();
    let socket = shop.folder.to_str().unwrap().replace('/', "%2F");
    let server = serve(&url.replace("127.0.0.1", &socket), "read-only", &[]).await;
    let local = json!({"sql": "SELECT inet_client_addr() IS NULL"});
    let data = server.good("query_database", local).await;
    assert_eq!(data["rows"], json!([[true]]));
}
