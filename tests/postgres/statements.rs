//! A generator of statements that try to change, to leave or to exhaust the database. The same seed gives the same statements.

/// What a statement tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// To change rows, objects, sequences or files: must be refused.
    Write,
    /// To leave something behind by a function that a read-only transaction allows: may be answered.
    Leave,
    /// To take all the time or memory that there is.
    Exhaust,
}

pub struct Statement {
    pub aim: Aim,
    pub sql: String,
}

/// Each may hold `{t}` (a table), `{n}` (a number), `{x}` (a name that is not taken) and `{f}` (a file).
const WRITES: &[&str] = &[
    "DELETE FROM {t}",
    "DELETE FROM {t} WHERE true RETURNING *",
    "UPDATE shop.customers SET name = 'x{n}' RETURNING id",
    "INSERT INTO shop.customers (name) VALUES ('x{n}') RETURNING id",
    "INSERT INTO shop.orders (customer_id, total) SELECT 1, {n} RETURNING *",
    "MERGE INTO shop.customers c USING shop.orders o ON c.id = o.customer_id WHEN MATCHED THEN DELETE",
    "TRUNCATE {t} CASCADE",
    "WITH d AS (DELETE FROM {t} RETURNING *) SELECT * FROM d",
    "WITH d AS (UPDATE shop.customers SET name = 'x' RETURNING id) SELECT count(*) FROM d",
    "WITH RECURSIVE d AS (INSERT INTO shop.customers (name) VALUES ('x{n}') RETURNING id) TABLE d",
    "WITH a AS (SELECT 1), d AS (DELETE FROM {t} RETURNING 1) SELECT * FROM a, d",
    "SELECT * FROM (WITH d AS (DELETE FROM {t} RETURNING *) SELECT * FROM d) q",
    "SELECT * FROM [DELETE FROM {t}]",
    "SELECT 1; DELETE FROM {t}",
    "SELECT 1;;; DROP TABLE {t} CASCADE;",
    "SELECT 1 /* ; */ ; UPDATE shop.customers SET name = 'x' --",
    "SELECT 1; COMMIT; DELETE FROM {t}",
    "SELECT 1; ROLLBACK; BEGIN READ WRITE; DELETE FROM {t}; COMMIT",
    "COMMIT; DELETE FROM {t}",
    "ROLLBACK; DELETE FROM {t}",
    "SELECT $$;$$; DELETE FROM {t}",
    "SELECT $a$ $$ ; $a$; DELETE FROM {t}; SELECT $b$ $b$",
    "SELECT E'\\'; DELETE FROM {t}; --'; DELETE FROM {t}",
    "SELECT '\\'; DELETE FROM {t}; --'",
    "SELECT U&'\\0027; DELETE FROM {t}' ; DELETE FROM {t}",
    "SELECT 1 \u{ff1b} DELETE FROM {t}",
    "SELECT 1\u{37e} DELETE FROM {t}",
    "1; FETCH ALL FROM mcpdeck_page; DELETE FROM {t}",
    "SELECT 1) TO PROGRAM 'touch {f}'; --",
    "SELECT 1 INTO {x}",
    "SELECT * INTO shop.{x} FROM {t}",
    "SELECT * INTO TEMP {x} FROM {t}",
    "SELECT * INTO UNLOGGED shop.{x} FROM {t}",
    "SELECT * FROM {t} FOR UPDATE",
    "SELECT * FROM {t} FOR NO KEY UPDATE SKIP LOCKED",
    "SELECT * FROM {t} FOR SHARE NOWAIT",
    "SELECT * FROM {t} FOR KEY SHARE",
    "CREATE TABLE shop.{x} AS SELECT * FROM {t}",
    "CREATE TABLE shop.{x} (n int)",
    "CREATE TEMP TABLE {x} AS SELECT 1",
    "CREATE VIEW shop.{x} AS SELECT 1",
    "CREATE TEMP VIEW {x} AS SELECT 1",
    "CREATE SEQUENCE shop.{x}",
    "CREATE FUNCTION shop.{x}() RETURNS int LANGUAGE sql AS 'DELETE FROM {t}; SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE {x} SUPERUSER",
    "CREATE INDEX ON {t} ((1))",
    "CREATE SCHEMA {x}",
    "CREATE LANGUAGE plpython3u",
    "CREATE EVENT TRIGGER {x} ON ddl_command_start EXECUTE FUNCTION shop.touch()",
    "CREATE DATABASE {x}",
    "ALTER TABLE {t} ADD COLUMN {x} int",
    "ALTER TABLE {t} RENAME TO {x}",
    "ALTER ROLE CURRENT_USER SET default_transaction_read_only = off",
    "ALTER ROLE CURRENT_USER PASSWORD 'x{n}'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "ALTER DATABASE postgres SET work_mem = '1GB'",
    "DROP TABLE {t} CASCADE",
    "DROP OWNED BY CURRENT_USER",
    "REASSIGN OWNED BY CURRENT_USER TO deck_super",
    "GRANT ALL ON {t} TO PUBLIC",
    "REVOKE ALL ON {t} FROM deck_reader",
    "COMMENT ON TABLE {t} IS 'x{n}'",
    "SECURITY LABEL ON TABLE {t} IS 'x'",
    "REFRESH MATERIALIZED VIEW shop.monthly",
    "VACUUM",
    "VACUUM FULL {t}",
    "ANALYZE {t}",
    "CLUSTER",
    "REINDEX TABLE {t}",
    "CHECKPOINT",
    "LOCK TABLE {t} IN ACCESS EXCLUSIVE MODE",
    "COPY {t} TO STDOUT",
    "COPY {t} TO '{f}'",
    "COPY {t} TO PROGRAM 'cat > {f}'",
    "COPY {t} FROM STDIN",
    "COPY {t} FROM '/etc/passwd'",
    "COPY {t} FROM PROGRAM 'touch {f}'",
    "COPY (SELECT 1) TO PROGRAM 'touch {f}'",
    "COPY (DELETE FROM {t} RETURNING *) TO STDOUT",
    "SET transaction_read_only = off",
    "SET TRANSACTION READ WRITE",
    "SET LOCAL transaction_read_only = 0",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET SESSION AUTHORIZATION deck_super",
    "SET ROLE deck_super",
    "SET statement_timeout = 0",
    "SET search_path = pg_temp",
    "RESET ALL",
    "RESET SESSION AUTHORIZATION",
    "DISCARD ALL",
    "SHOW ALL",
    "BEGIN",
    "START TRANSACTION READ WRITE",
    "COMMIT",
    "COMMIT AND CHAIN",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT a",
    "ROLLBACK TO SAVEPOINT a",
    "RELEASE SAVEPOINT a",
    "PREPARE TRANSACTION 'p{n}'",
    "COMMIT PREPARED 'p{n}'",
    "PREPARE p{n} AS DELETE FROM {t}",
    "EXECUTE p{n}",
    "DEALLOCATE ALL",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "FETCH ALL FROM mcpdeck_page",
    "MOVE ALL FROM mcpdeck_page",
    "CLOSE ALL",
    "DO $$ BEGIN DELETE FROM {t}; END $$",
    "DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {f}'''; END $$",
    "DO LANGUAGE plpgsql 'BEGIN PERFORM shop.touch(); END'",
    "CALL shop.sweep()",
    "LISTEN x{n}",
    "NOTIFY x{n}, 'y'",
    "UNLISTEN *",
    "LOAD 'auto_explain'",
    "IMPORT FOREIGN SCHEMA public FROM SERVER x INTO shop",
    "EXPLAIN ANALYZE DELETE FROM {t}",
    "EXPLAIN (ANALYZE, BUFFERS) UPDATE shop.customers SET name = 'x'",
    "EXPLAIN ANALYZE WITH d AS (DELETE FROM {t} RETURNING 1) SELECT * FROM d",
    "SELECT shop.touch()",
    "SELECT shop.touch_as_owner()",
    "SELECT shop.calm()",
    "SELECT shop.ends()",
    "SELECT shop.opens()",
    "SELECT (SELECT shop.touch()) FROM {t}",
    "SELECT * FROM {t} WHERE shop.touch() > 0",
    "SELECT * FROM {t} ORDER BY shop.touch_as_owner()",
    "SELECT nextval('shop.orders_id_seq')",
    "SELECT setval('shop.orders_id_seq', {n})",
    "SELECT setval('shop.customers_id_seq', 1, false)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '{f}')",
    "SELECT lo_unlink({n})",
    "SELECT lo_put({n}, 0, 'x')",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x{n}')",
    "SELECT pg_create_physical_replication_slot('s{n}')",
    "SELECT pg_create_logical_replication_slot('s{n}', 'test_decoding')",
    "SELECT pg_promote()",
    "SELECT pg_stat_reset()",
    "SELECT dblink('dbname=postgres', 'DELETE FROM {t}')",
    "SELECT dblink_exec('dbname=postgres', 'DELETE FROM {t}')",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('transaction_read_only', 'off', false), shop.touch()",
    "SELECT set_config('transaction_isolation', 'serializable', true)",
    "SELECT set_config('session_authorization', 'deck_super', false)",
    "SELECT set_config('role', 'deck_super', false)",
    "SELECT set_config('session_preload_libraries', 'auto_explain', false)",
    "SELECT query_to_xml('DELETE FROM {t} RETURNING *', true, true, '')",
    "SELECT query_to_xml('SELECT nextval(''shop.orders_id_seq'')', true, true, '')",
    "SELECT query_to_xml('COMMIT', true, true, '')",
    "SELECT query_to_xml('SET transaction_read_only = off', true, true, '')",
    "SELECT database_to_xml(true, true, ''), shop.touch()",
    "SELECT ts_stat('DELETE FROM {t} RETURNING ''a''::tsvector')",
    "SELECT cursor_to_xml('mcpdeck_page', 1, true, true, ''), shop.touch()",
    "SELECT pg_import_system_collations('shop')",
    "VALUES (shop.touch())",
    "VALUES (1); DELETE FROM {t}",
    "TABLE {t}; DELETE FROM {t}",
    "(SELECT 1); DELETE FROM {t}",
    "SELECT 1 UNION DELETE FROM {t}",
    "\u{feff}DELETE FROM {t}",
    "\\copy {t} TO '{f}'",
    "\\! touch {f}",
];

const LEAVES: &[&str] = &[
    "SELECT pg_advisory_lock({n})",
    "SELECT pg_advisory_lock_shared({n}), pg_try_advisory_lock({n}, 7)",
    "SELECT pg_advisory_xact_lock({n})",
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT set_config('search_path', 'pg_temp', false)",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
    "SELECT set_config('work_mem', '64kB', false), set_config('deck.x{n}', 'y', false)",
    "SELECT set_config('DateStyle', 'German', false), now()",
    "SELECT set_config('standard_conforming_strings', 'off', false)",
    "SELECT set_config('client_encoding', 'LATIN1', true), 1",
    "SELECT set_config('bytea_output', 'escape', false), 'x'::bytea",
    "SELECT pg_notify('x{n}', 'y')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'stolen')",
    "SELECT lo_open(lo_create(0), 131072)",
    "SELECT pg_export_snapshot()",
    "SELECT pg_current_xact_id()",
    "SELECT setseed(0.{n}), random()",
    "SELECT pg_logical_emit_message(false, 'x{n}', 'y')",
    "SELECT pg_logical_emit_message(true, 'x{n}', 'y')",
    "SELECT pg_stat_clear_snapshot()",
    "SELECT pg_cancel_backend(pg_backend_pid())",
    "SELECT pg_sleep(0.00{n})",
    "SELECT * FROM {t} LIMIT 5",
    "SELECT count(*) FROM {t}",
    "TABLE {t}",
    "SELECT E'\\'; DELETE FROM x --', $$; DELETE FROM y$$, U&'d\\0061t\\+000061'",
    "SELECT \"select\" FROM public.\"Odd; \"\"name\" /* ; DELETE FROM x */ -- ; DROP",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT * FROM n",
    "SELECT query_to_xml('SELECT count(*) FROM shop.orders', true, true, '')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
];

const EXHAUSTS: &[&str] = &[
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(s) AS (SELECT repeat('x', 1000) UNION ALL SELECT s || s FROM n) SELECT max(length(s)) FROM n",
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "SELECT * FROM generate_series(1, 1000000000000) ORDER BY 1 DESC",
    "SELECT count(*) FROM shop.orders a, shop.orders b, shop.orders c, shop.orders d",
    "SELECT repeat('x', 1000000000)",
    "SELECT repeat(repeat('x', 1000000), 1000)",
    "SELECT repeat('x', 200000000) FROM generate_series(1, 100)",
    "SELECT string_agg(repeat('x', 1000000), '') FROM generate_series(1, 900)",
    "SELECT array_agg(i) FROM generate_series(1, 100000000) i",
    "SELECT 'x' ~ repeat('(x*)*', 200) || 'y' FROM generate_series(1, 100000000)",
    "SELECT factorial(100000)",
    "SELECT pg_sleep(3600)",
    "SELECT pg_sleep_for('1 day'), set_config('statement_timeout', '0', false)",
    "SELECT pg_sleep_until('2100-01-01')",
    "SELECT set_config('statement_timeout', '0', true) FROM generate_series(1, 100000000)",
    "SELECT jsonb_agg(repeat('x', 1000)) FROM generate_series(1, 10000000)",
];

const TABLES: &[&str] = &[
    "shop.orders",
    "shop.customers",
    "shop.visits",
    "public.\"Odd; \"\"name\"",
    "shop.monthly",
];

/// Words before and after that change nothing for the server, and may for a check of the text.
const BEFORE: &[&str] = &[
    "",
    "",
    " ",
    "\n\t",
    "-- SELECT\n",
    "/* SELECT */ ",
    "/* /* nested */ */",
    "\r\n",
    "--;\n",
];
const AFTER: &[&str] = &["", "", ";", " ;  ", " -- end", " /* ; */", "\n"];

pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// One statement for each template of a kind, as it stands.
    pub fn plain(aim: Aim, file: &str) -> Vec<String> {
        let templates = match aim {
            Aim::Write => WRITES,
            Aim::Leave => LEAVES,
            Aim::Exhaust => EXHAUSTS,
        };
        let mut own = Self::new(7);
        templates
            .iter()
            .map(|text| own.filled(text, file))
            .collect()
    }

    fn filled(&mut self, text: &str, file: &str) -> String {
        let table = self.pick(TABLES);
        let number = self.below(900) + 100;
        text.replace("{t}", table)
            .replace("{n}", &number.to_string())
            .replace("{x}", &format!("taken_{number}"))
            .replace("{f}", file)
    }

    /// The letters of words in either case, outside of quotes and escapes.
    fn cased(&mut self, sql: &str) -> String {
        if sql.contains(['\'', '"', '$', '\\', '[']) || self.below(3) > 0 {
            return sql.to_owned();
        }
        let flip = |c: char, up: bool| {
            if up {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        };
        sql.chars().map(|c| flip(c, self.below(2) == 0)).collect()
    }

    /// The next statement; one of a few hundred takes all the time it gets.
    pub fn next(&mut self, file: &str) -> Statement {
        let (aim, text) = match self.below(400) {
            0 => (Aim::Exhaust, self.pick(EXHAUSTS)),
            1..=90 => (Aim::Leave, self.pick(LEAVES)),
            _ => (Aim::Write, self.pick(WRITES)),
        };
        let filled = self.filled(text, file);
        let cased = self.cased(&filled);
        let (before, after) = (self.pick(BEFORE), self.pick(AFTER));
        Statement {
            aim,
            sql: format!("{before}{cased}{after}"),
        }
    }
}
