//! Statements that try to change, to leave or to exhaust a database, generated from a seed: always the same ones.

use std::path::Path;

use serde_json::{Value, json};

/// One statement with its parameters.
pub struct Attack {
    /// What it tries.
    pub kind: &'static str,
    pub sql: String,
    pub params: Value,
    /// Whether it must be refused, because it would change something.
    pub writes: bool,
}

/// An endless row of them.
pub struct Generator {
    state: u64,
    loot: String,
    made: usize,
}

const CHANGES: &[&str] = &[
    "DELETE FROM order_items",
    "DELETE FROM paid WHERE id > 0",
    "DELETE FROM order_items RETURNING id",
    "UPDATE orders SET total = 7",
    "UPDATE orders SET total = 7 RETURNING *",
    "UPDATE OR REPLACE customers SET email = 'x' RETURNING id",
    "INSERT INTO products VALUES (99, 'x', 'x', 'x', 1)",
    "INSERT INTO products SELECT id + 99, name || '!', 'x', 'x', 1 FROM products WHERE true ON CONFLICT DO NOTHING",
    "INSERT INTO notes(notes) VALUES ('rebuild')",
    "INSERT INTO notes(notes, rank) VALUES ('pgsz', 64)",
    "INSERT INTO boxes VALUES (1, 2, 3)",
    "INSERT INTO notes_data VALUES (1, x'00')",
    "REPLACE INTO products VALUES (1, 'x', 'x', 'x', 1)",
];

const SCHEMA: &[&str] = &[
    "CREATE TABLE t (x)",
    "CREATE TABLE IF NOT EXISTS t AS SELECT * FROM orders",
    "CREATE TEMP TABLE t AS SELECT * FROM orders",
    "CREATE TEMP VIEW t AS SELECT 1",
    "CREATE TEMP TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM order_items; END",
    "CREATE VIEW t AS SELECT 1",
    "CREATE INDEX t ON orders (total)",
    "CREATE UNIQUE INDEX temp.t ON orders (total)",
    "CREATE VIRTUAL TABLE t USING fts5(x)",
    "CREATE VIRTUAL TABLE temp.t USING rtree(id, a, b)",
    "CREATE VIRTUAL TABLE t USING dbstat",
    "CREATE VIRTUAL TABLE t USING csv(filename='LOOT/x')",
    "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM order_items; END",
    "ALTER TABLE orders RENAME TO o",
    "ALTER TABLE orders ADD COLUMN x",
    "ALTER TABLE orders DROP COLUMN status",
    "DROP TABLE order_items",
    "DROP TABLE IF EXISTS notes",
    "DROP VIEW paid",
    "DROP TRIGGER gone",
    "DROP INDEX orders_by_customer",
    "REINDEX",
    "REINDEX orders",
    "ANALYZE",
    "ANALYZE orders",
];

const OUTSIDE: &[&str] = &[
    "ATTACH DATABASE 'LOOT/a.db' AS s",
    "ATTACH 'file:LOOT/b.db?mode=rwc' AS s",
    "ATTACH ':memory:' AS s",
    "ATTACH '' AS s",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO 'LOOT/c.db'",
    "VACUUM main INTO 'file:LOOT/d.db?mode=rwc'",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
];

const CALLS: &[&str] = &[
    "load_extension('LOOT/evil.so')",
    "load_extension('LOOT/evil.so', 'main')",
    "writefile('LOOT/e', 'x')",
    "readfile('/etc/passwd')",
    "edit('x', 'touch LOOT/f')",
    "fts3_tokenizer('simple')",
    "fts3_tokenizer('simple', x'4141414141414141')",
    "sqlite_rename_table('main', 'x', 'y', 'z', 'a', 'b', 0)",
    "sqlite_drop_column(0, 'x', 1)",
    "sqlite_log(1, 'x')",
    "shell('touch LOOT/g')",
    "system('touch LOOT/h')",
    "pg_read_file('/etc/passwd')",
    "lo_export(1, 'LOOT/i')",
];

/// Reading, odd or wide, but quick.
const READS: &[&str] = &[
    "SELECT * FROM orders",
    "SELECT name, email FROM customers WHERE id = ?",
    "SELECT ?1, ?2, :name, @x, $y",
    "VALUES (1), (2), (3)",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM sqlite_dbpage('main')",
    "SELECT * FROM dbstat",
    "SELECT * FROM bytecode('DELETE FROM orders')",
    "SELECT * FROM tables_used('DELETE FROM orders')",
    "SELECT * FROM sqlite_stmt",
    "SELECT * FROM generate_series(1, 10)",
    "SELECT * FROM pragma_table_info('orders')",
    "SELECT * FROM pragma_function_list",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_integrity_check",
    "SELECT * FROM pragma_optimize",
    "SELECT * FROM notes WHERE notes MATCH 'one'",
    "SELECT highlight(notes, 0, '<', '>') FROM notes('one OR two')",
    "SELECT rtreecheck('boxes')",
    "SELECT printf('%1000000000d', 1)",
    "SELECT printf('%.*c', 2000000000, 'x')",
    "SELECT zeroblob(1000000000)",
    "SELECT randomblob(9e8)",
    "SELECT json_extract(replace(hex(zeroblob(3000)), '0', '['), '$')",
    "SELECT count(*) FROM json_tree(replace(hex(zeroblob(400)), '0', '[') || replace(hex(zeroblob(400)), '0', ']'))",
    "SELECT json_group_array(id) FROM orders",
    "SELECT x'00' || char(0) || 'x'",
    "SELECT 1 AS \"a\"\"b\", 2 AS [c], 3 AS `d`",
    "SELECT group_concat(a.name) FROM customers a, customers b",
    "SELECT * FROM orders NATURAL JOIN order_items JOIN products USING (id)",
    "SELECT total, rank() OVER (PARTITION BY status ORDER BY total) FROM orders",
    "SELECT count(*) FROM orders a, orders b",
    "SELECT nonsense FROM nowhere",
    "SELECT (SELECT (SELECT (SELECT 1)))",
    "SELECT CAST('9223372036854775808' AS INTEGER), 1e999, -1e999, 0x7fffffffffffffff",
    "SELECT 'a' LIKE '%_%_%_%', 'a' GLOB '*[^b]*'",
    "SELECT date('now'), strftime('%s'), julianday('x')",
];

/// What runs until something stops it.
const ENDLESS: &[&str] = &[
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n ORDER BY i DESC",
    "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e",
    "WITH RECURSIVE n(i, s) AS (SELECT 1, zeroblob(1000000) UNION ALL SELECT i + 1, zeroblob(1000000 + i) FROM n) SELECT group_concat(hex(s)) FROM n",
];

const PRAGMAS: &[&str] = &[
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "checkpoint_fullfsync",
    "collation_list",
    "compile_options",
    "count_changes",
    "data_store_directory",
    "data_version",
    "database_list",
    "default_cache_size",
    "defer_foreign_keys",
    "empty_result_callbacks",
    "encoding",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "full_column_names",
    "fullfsync",
    "function_list",
    "hard_heap_limit",
    "ignore_check_constraints",
    "incremental_vacuum",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "legacy_file_format",
    "lock_proxy_file",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "module_list",
    "optimize",
    "page_size",
    "parser_trace",
    "pragma_list",
    "query_only",
    "quick_check",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "short_column_names",
    "shrink_memory",
    "soft_heap_limit",
    "stats",
    "synchronous",
    "table_list",
    "temp_store",
    "temp_store_directory",
    "threads",
    "trusted_schema",
    "user_version",
    "vdbe_trace",
    "wal_autocheckpoint",
    "wal_checkpoint",
    "writable_schema",
    "nonsense",
];

const VALUES: &[&str] = &[
    "1",
    "0",
    "-1",
    "ON",
    "OFF",
    "WAL",
    "DELETE",
    "TRUNCATE",
    "EXCLUSIVE",
    "'LOOT'",
    "9223372036854775807",
];

/// What stands for a space, and what may stand before and behind a statement.
const SPACES: &[&str] = &["\t", "\n", "\r\n", "\u{c}", "/**/", "/*;*/", "--x\n", "  "];
const BEFORE: &[&str] = &[
    "",
    " ",
    "\n\n",
    ";",
    ";;",
    "/* SELECT */",
    "-- SELECT\n",
    "\u{feff}",
    "(",
    "\u{a0}",
    "\u{200b}",
    "\0",
];
const BEHIND: &[&str] = &[
    "",
    ";",
    " ; ",
    ";;",
    "--",
    " /*",
    "; --",
    "\0",
    ")",
    "; SELECT 1",
    "\u{feff}",
];

impl Generator {
    pub fn new(seed: u64, loot: &Path) -> Self {
        Self {
            state: seed,
            loot: loot.display().to_string(),
            made: 0,
        }
    }

    /// Xorshift: the same on every machine.
    fn number(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % below
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.number(of.len())]
    }

    fn write(&mut self) -> (&'static str, String) {
        match self.number(4) {
            0 => ("changes", self.one(CHANGES).to_owned()),
            1 => ("schema", self.one(SCHEMA).to_owned()),
            2 => ("outside", self.one(OUTSIDE).to_owned()),
            _ => {
                let (name, value) = (self.one(PRAGMAS), self.one(VALUES));
                let sql = match self.number(3) {
                    0 => format!("PRAGMA {name} = {value}"),
                    1 => format!("PRAGMA main.{name}({value})"),
                    _ => format!("PRAGMA {name}"),
                };
                ("pragmas", sql)
            }
        }
    }

    /// A write in the clothes of a read.
    fn disguised(&mut self, write: &str) -> String {
        let read = self.one(READS);
        match self.number(12) {
            0 => format!("SELECT 1; {write}"),
            1 => format!("{read}; {write}"),
            2 => format!("SELECT 1;;; {write}; SELECT 2"),
            3 => format!("WITH x AS (SELECT 1) {write}"),
            4 => format!("WITH x AS ({write}) SELECT * FROM x"),
            5 => format!("SELECT * FROM ({write})"),
            6 => format!("SELECT ({write})"),
            7 => format!("SELECT 1 UNION ALL {write}"),
            8 => format!("SELECT 1 /* ; */ ; {write} --"),
            9 => format!("EXPLAIN {write}"),
            10 => format!("EXPLAIN QUERY PLAN {write}"),
            _ => format!("SELECT 1 WHERE EXISTS ({write})"),
        }
    }

    /// The same for the engine, another one for whoever looks at the text. What stands in quotes stays.
    fn dressed(&mut self, sql: &str) -> String {
        let (mut out, mut quoted) = (String::new(), false);
        let case = self.number(4);
        for (n, c) in sql.chars().enumerate() {
            quoted ^= c == '\'';
            match c {
                _ if quoted => out.push(c),
                ' ' if self.number(6) == 0 => out.push_str(self.one(SPACES)),
                c if case == 0 => out.push(c.to_ascii_lowercase()),
                c if case == 1 && n % 2 == 0 => out.push(c.to_ascii_lowercase()),
                c => out.push(c),
            }
        }
        if self.number(25) == 0 {
            // Its capital is an S.
            out = out.replacen(['S', 's'], "\u{17f}", 1);
        }
        out
    }

    fn params(&mut self) -> Value {
        match self.number(10) {
            0 => json!([1]),
            1 => json!(["x'; DROP TABLE orders; --", null, true, 1.5, -7]),
            2 => json!([i64::MAX, "\u{0}", ""]),
            3 => json!([[1], {}]),
            _ => json!([]),
        }
    }
}

impl Iterator for Generator {
    type Item = Attack;

    fn next(&mut self) -> Option<Attack> {
        self.made += 1;
        let (kind, sql, writes) = match self.number(8) {
            _ if self.made.is_multiple_of(170) => ("endless", self.one(ENDLESS).to_owned(), false),
            0 => ("reads", self.one(READS).to_owned(), false),
            1 => {
                let call = self.one(CALLS);
                let sql = match self.number(4) {
                    0 => format!("SELECT {call} FROM customers"),
                    1 => format!("SELECT 1 WHERE {call} IS NOT NULL"),
                    2 => format!("WITH x(v) AS (SELECT {call}) SELECT v FROM x"),
                    _ => format!("SELECT {call}"),
                };
                ("calls", sql, true)
            }
            2..=4 => {
                let (kind, sql) = self.write();
                // A pragma alone may be one that only tells.
                (kind, sql, kind != "pragmas")
            }
            _ => {
                let (_, write) = self.write();
                ("disguised", self.disguised(&write), false)
            }
        };
        let sql = self.dressed(&sql).replace("LOOT", &self.loot);
        let sql = match self.number(3) {
            0 => format!("{}{sql}{}", self.one(BEFORE), self.one(BEHIND)),
            _ => sql,
        };
        let params = self.params();
        Some(Attack {
            kind,
            sql,
            params,
            writes,
        })
    }
}
