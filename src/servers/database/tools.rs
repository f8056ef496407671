//! The table of what a client sees: names, words and effects of the tools. Filled for `serve`.

use crate::servers::Access;
use crate::servers::database::{
    Database, Level, change, explain, prompt, query, resources, schema, script,
};
use crate::servers::toolbox::{Effect, Sign, Toolbox};

/// The server with the tools of its level.
pub fn toolbox(database: Database, level: Level, access: Access) -> Toolbox<Database> {
    let words = instructions(&database, level);
    let toolbox = Toolbox::new("mcpdeck-database", words, database, access)
        .with(QUERY_DATABASE, query::query_database)
        .with(LIST_TABLES, schema::list_tables)
        .with(GET_TABLE_SCHEMA, schema::get_table_schema)
        .with(EXPLAIN_QUERY, explain::explain_query)
        .with(INSERT_RECORD, change::insert_record)
        .with(UPDATE_RECORDS, change::update_records)
        .with(DELETE_RECORDS, change::delete_records)
        .with_resources(resources::RESOURCES)
        .with_prompt(prompt::ANALYSE_DATABASE);
    match level {
        Level::ReadOnly | Level::Changes => toolbox,
        Level::ReadWrite => toolbox.with(EXECUTE_SCRIPT, script::execute_script),
    }
}

fn instructions(database: &Database, level: Level) -> String {
    let changes = match level {
        Level::ReadOnly => "",
        Level::Changes | Level::ReadWrite => {
            " insert_record, update_records and delete_records change rows; `dry_run` tells how many without changing any."
        }
    };
    let scripts = match level {
        Level::ReadOnly | Level::Changes => "",
        Level::ReadWrite => " execute_script runs statements of any kind, all or nothing.",
    };
    format!(
        "A {} database, {}. query_database runs any single statement that only reads; list_tables and get_table_schema show what there is; explain_query tells how a query would run.{changes}{scripts}",
        database.engine.name(),
        database.engine.shown()
    )
}

const QUERY_DATABASE: Sign = Sign {
    name: "query_database",
    title: "Query the database",
    description: "Runs one SQL statement that only reads (SELECT, WITH, EXPLAIN, PRAGMA table_info) and gives its rows; long results come page by page.",
    effect: Effect::Reads,
};

const LIST_TABLES: Sign = Sign {
    name: "list_tables",
    title: "List the tables",
    description: "Lists the tables and views with their number of rows.",
    effect: Effect::Reads,
};

const GET_TABLE_SCHEMA: Sign = Sign {
    name: "get_table_schema",
    title: "Show a table's schema",
    description: "Shows the columns, types, keys, foreign keys, indexes and comments of a table, and how many rows it has.",
    effect: Effect::Reads,
};

const EXPLAIN_QUERY: Sign = Sign {
    name: "explain_query",
    title: "Explain a query",
    description: "Tells how the database would run a statement, without running it: which tables it reads whole, which indexes it uses.",
    effect: Effect::Reads,
};

const INSERT_RECORD: Sign = Sign {
    name: "insert_record",
    title: "Insert a row",
    description: "Inserts one row into a table. The values are parameters, never SQL.",
    effect: Effect::Adds,
};

const UPDATE_RECORDS: Sign = Sign {
    name: "update_records",
    title: "Update rows",
    description: "Changes columns of the rows that fulfil all conditions. Values and conditions are parameters, never SQL. Try it with `dry_run` first to see how many rows it touches.",
    effect: Effect::Replaces,
};

const DELETE_RECORDS: Sign = Sign {
    name: "delete_records",
    title: "Delete rows",
    description: "Deletes the rows that fulfil all conditions. Conditions are parameters, never SQL. Try it with `dry_run` first to see how many rows it touches.",
    effect: Effect::Replaces,
};

const EXECUTE_SCRIPT: Sign = Sign {
    name: "execute_script",
    title: "Run a script",
    description: "Runs SQL statements of any kind in one transaction: all of them or none. Says what each one did.",
    effect: Effect::Replaces,
};
