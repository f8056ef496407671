//! The scratch cluster: a database of its own for each test, its roles, and a fingerprint of all that a database holds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};

use crate::client::{Served, modern};

/// A database with the shop in it, gone with the next cluster.
pub struct Shop {
    /// A superuser's connection to it.
    pub admin: Client,
    /// Its name.
    pub name: String,
    host: String,
    reader: String,
    writer: String,
    /// A folder that the server may write into.
    pub folder: PathBuf,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run .ci/suites/postgres.sh"))
}

/// The superuser's URL, or none with a word when there is no cluster.
pub fn superuser() -> Option<String> {
    let url = std::env::var("MCPDECK_TEST_POSTGRES").ok();
    if url.is_none() {
        eprintln!("skipped: set MCPDECK_TEST_POSTGRES, as .ci/suites/postgres.sh does");
    }
    url
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Shop {
    /// A new database; none without a cluster.
    pub async fn open() -> Option<Self> {
        let url = superuser()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("shop_{}_{number}", std::process::id());
        let first = connect(&url).await;
        first
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (front, _) = url.rsplit_once('/').unwrap();
        let admin = connect(&format!("{front}/{name}")).await;
        admin.batch_execute(SHOP).await.unwrap();
        let (_, host) = front.rsplit_once('@').unwrap();
        Some(Self {
            admin,
            name,
            host: host.to_owned(),
            reader: variable("MCPDECK_TEST_POSTGRES_READER"),
            writer: variable("MCPDECK_TEST_POSTGRES_WRITER"),
            folder: variable("MCPDECK_TEST_POSTGRES_FOLDER").into(),
        })
    }

    /// The URL of a role that may read.
    pub fn reader(&self) -> String {
        format!("postgres://{}@{}/{}", self.reader, self.host, self.name)
    }

    /// The URL of a role that may write.
    pub fn writer(&self) -> String {
        format!("postgres://{}@{}/{}", self.writer, self.host, self.name)
    }

    /// The URL of the superuser.
    pub fn superuser(&self) -> String {
        let url = superuser().unwrap();
        format!("{}/{}", url.rsplit_once('/').unwrap().0, self.name)
    }

    /// The same URL by another host name and with parameters.
    pub fn with(&self, url: &str, host: &str, parameters: &str) -> String {
        format!("{}?{parameters}", url.replace("127.0.0.1", host))
    }

    /// Everything that a statement could change, as one text.
    pub async fn fingerprint(&self) -> String {
        let tables = "SELECT format(CASE c.relkind WHEN 'S' THEN '(SELECT last_value, is_called FROM %I.%I)' ELSE '%I.%I' END, n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1";
        let mut from = Vec::new();
        for row in self.admin.query(tables, &[]).await.unwrap() {
            from.push(row.get::<_, String>(0));
        }
        // All of the catalogue that names, rights, settings, functions, roles, comments, objects and slots live in.
        let catalogues = [
            "(SELECT oid, relname, relnamespace, relkind, relfilenode, relacl FROM pg_class WHERE oid > 16383)",
            "pg_namespace",
            "pg_proc",
            "pg_attribute",
            "pg_trigger",
            "pg_rewrite",
            "pg_extension",
            "pg_language",
            "pg_largeobject_metadata",
            "pg_largeobject",
            "pg_db_role_setting",
            "pg_authid",
            "pg_auth_members",
            "pg_default_acl",
            "pg_event_trigger",
            "pg_foreign_server",
            "pg_publication",
            "pg_description",
            "pg_prepared_xacts",
            "(SELECT slot_name FROM pg_replication_slots)",
        ];
        from.extend(catalogues.map(str::to_owned));
        let hashes = from.iter().map(|from| {
            let name = from.replace('\'', "''");
            format!("SELECT '{name}=' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {from} t")
        });
        let hashes = hashes.collect::<Vec<_>>().join(" UNION ALL ");
        let rows = self.admin.query(&hashes, &[]).await.unwrap();
        let lines = rows.iter().map(|row| row.get::<_, String>(0));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// One number that the superuser asks for.
    pub async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// A served database with the tools of an access.
pub async fn serve(url: &str, access: &str, env: &[(&str, &str)]) -> Served {
    Served::start_with(&["database", url, "--access", access], env, modern()).await
}

const SHOP: &str = r#"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA shop;
CREATE SCHEMA hidden;
CREATE TYPE shop.mood AS ENUM ('calm', 'hurried');
CREATE TABLE shop.customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text UNIQUE,
  mood shop.mood DEFAULT 'calm',
  since date NOT NULL DEFAULT '2020-01-01'
);
COMMENT ON TABLE shop.customers IS 'Who buys';
COMMENT ON COLUMN shop.customers.mood IS 'As the clerk saw it';
CREATE TABLE shop.orders (
  id bigserial PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES shop.customers (id) ON DELETE CASCADE,
  total numeric(12, 2) NOT NULL CHECK (total >= 0),
  tax numeric GENERATED ALWAYS AS (total * 0.1) STORED,
  placed timestamptz NOT NULL DEFAULT now(),
  tags text[],
  extra jsonb
);
CREATE INDEX orders_big ON shop.orders (customer_id, (total * 2)) WHERE total > 100;
CREATE VIEW shop.spent AS SELECT c.name, sum(o.total) AS spent FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id GROUP BY 1;
CREATE MATERIALIZED VIEW shop.monthly AS SELECT date_trunc('month', placed) AS month, count(*) AS orders FROM shop.orders GROUP BY 1;
CREATE TABLE shop.visits (at date NOT NULL, page text) PARTITION BY RANGE (at);
CREATE TABLE shop.visits_2026 PARTITION OF shop.visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public."Odd; ""name" ("select" integer, "b c" text);
CREATE TABLE hidden.secrets (word text);
INSERT INTO shop.customers (name, email) SELECT 'Khách ' || n, 'c' || n || '@example.com' FROM generate_series(1, 50) n;
INSERT INTO shop.orders (customer_id, total, placed, tags, extra)
  SELECT 1 + n % 50, n * 1.25, timestamptz '2026-01-01 00:00Z' + n * interval '1 hour', ARRAY['a', 'b"c'], '{"n": 12345678901234567890.5}'
  FROM generate_series(1, 500) n;
INSERT INTO shop.visits SELECT date '2026-01-01' + n % 300, '/p' || n FROM generate_series(1, 100) n;
INSERT INTO public."Odd; ""name" VALUES (1, 'x');
INSERT INTO hidden.secrets VALUES ('never to be seen');
REFRESH MATERIALIZED VIEW shop.monthly;
CREATE FUNCTION shop.touch() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN UPDATE shop.customers SET name = 'touched'; RETURN 1; END $$;
CREATE FUNCTION shop.touch_as_owner() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN DELETE FROM shop.orders; RETURN 1; END $$;
CREATE FUNCTION shop.calm() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM shop.orders; RETURN 1; END $$;
CREATE FUNCTION shop.ends() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN COMMIT; DELETE FROM shop.orders; RETURN 1; END $$;
CREATE FUNCTION shop.opens() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM shop.orders; RETURN 1; END $$;
CREATE PROCEDURE shop.sweep() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM shop.orders; COMMIT; END $$;
GRANT USAGE ON SCHEMA shop TO deck_reader, deck_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA shop, public TO deck_reader, deck_writer;
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA shop, public TO deck_writer;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA shop TO deck_writer;
GRANT CREATE ON SCHEMA shop TO deck_writer;
"#;
