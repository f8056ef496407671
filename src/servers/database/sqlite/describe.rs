//! What the engine's catalogue says of tables and views, asked by its pragmas on a connection that may read.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use crate::servers::database::catalogue::{
    Catalogue, ColumnSchema, Field, ForeignKey, Index, Kind, Relation, TableSchema,
};
use crate::servers::database::sqlite::comments::{self, Comments};
use crate::servers::database::sqlite::lexer;

/// All tables and views but the engine's own and those in which an index for full text keeps its data.
///
/// # Errors
/// The catalogue cannot be read.
pub fn catalogue(connection: &Connection) -> Result<Catalogue> {
    let sql = "SELECT l.name, l.type, s.sql FROM pragma_table_list AS l \
               LEFT JOIN sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view') \
               WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') \
               AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY l.name";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?, maybe(row, 2)?)))?;
    let listed: Vec<(String, String, Option<String>)> = rows.collect::<Result<_>>()?;
    let relation = |(name, kind, sql): (String, String, Option<String>)| {
        Ok(Relation {
            schema: None,
            shown: name.clone(),
            kind: match kind.as_str() {
                "view" => Kind::View,
                "virtual" => Kind::Foreign,
                _ => Kind::Table,
            },
            columns: fields(connection, &name)?,
            comment: sql.and_then(|sql| comments::read(&sql).table),
            name,
        })
    };
    let relations = listed.into_iter().map(relation).collect::<Result<_>>()?;
    Ok(Catalogue { relations })
}

/// The columns' names and types; none of a view over something that is gone, or of a module that is not there.
fn fields(connection: &Connection, table: &str) -> Result<Vec<Field>> {
    // A hidden column (of a virtual table) is no column to a reader; a generated one is.
    let sql =
        "SELECT name, type, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([table], |row| {
        Ok(Field {
            name: text(row, 0)?,
            kind: text(row, 1)?,
            generated: row.get::<_, i64>(2)? > 1,
        })
    })?;
    let read: Result<Vec<Field>> = rows.collect();
    match read {
        Err(error) if is_broken(&error) => Ok(Vec::new()),
        read => read,
    }
}

/// A text of the catalogue; what is no UTF-8 in it is replaced.
fn maybe(row: &Row<'_>, index: usize) -> Result<Option<String>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    })
}

fn text(row: &Row<'_>, index: usize) -> Result<String> {
    Ok(maybe(row, index)?.unwrap_or_default())
}

/// Whether the thing itself is at fault, and not the reading.
fn is_broken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown)
}

/// All about one table or view, without its rows.
///
/// # Errors
/// The catalogue cannot be read.
pub fn table(connection: &Connection, table: &Relation) -> Result<TableSchema> {
    let name = table.name.as_str();
    let definition = definition(connection, name)?;
    let said = definition.as_deref().map(comments::read);
    let said = said.unwrap_or_default();
    let indexes = indexes(connection, name)?;
    let columns = columns(connection, name, &said, &indexes)?;
    Ok(TableSchema {
        table: table.shown.clone(),
        kind: table.kind,
        primary_key: primary_key(connection, name)?,
        foreign_keys: foreign_keys(connection, name)?,
        indexes: indexes.into_iter().map(|(index, _)| index).collect(),
        options: options(connection, name, definition.as_deref(), &columns)?,
        checks: Vec::new(),
        comment: said.table,
        columns,
        definition,
        rows: None,
        rows_exact: false,
    })
}

fn definition(connection: &Connection, name: &str) -> Result<Option<String>> {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'view')";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => maybe(row, 0),
        None => Ok(None),
    }
}

fn columns(
    connection: &Connection,
    name: &str,
    said: &Comments,
    indexes: &[(Index, String)],
) -> Result<Vec<ColumnSchema>> {
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) \
               WHERE hidden <> 1 ORDER BY cid";
    let mut statement = connection.prepare_cached(sql)?;
    // Without an index of its own, a primary key is the number of the row, which is never NULL.
    let is_rowid = !indexes.iter().any(|(_, origin)| origin == "pk");
    let rows = statement.query_map([name], |row| {
        let column = text(row, 0)?;
        let key = row.get::<_, i64>(4)? > 0;
        Ok(ColumnSchema {
            kind: text(row, 1)?,
            nullable: !(row.get(2)? || key && is_rowid),
            default: maybe(row, 3)?,
            primary_key: key,
            generated: match row.get(5)? {
                2 => Some("virtual".to_owned()),
                3 => Some("stored".to_owned()),
                _ => None,
            },
            comment: said.column(&column),
            name: column,
        })
    })?;
    match rows.collect() {
        Err(error) if is_broken(&error) => Ok(Vec::new()),
        read => read,
    }
}

/// The columns of the primary key in its order, which may be another one than the table's.
pub fn primary_key(connection: &Connection, name: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([name], |row| text(row, 0))?;
    match rows.collect() {
        Err(error) if is_broken(&error) => Ok(Vec::new()),
        read => read,
    }
}

fn foreign_keys(connection: &Connection, name: &str) -> Result<Vec<ForeignKey>> {
    let sql = "SELECT id, \"from\", \"table\", \"to\", on_delete, on_update \
               FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    let rule = |rule: String| Some(rule).filter(|rule| rule != "NO ACTION");
    while let Some(row) = rows.next()? {
        let (id, column) = (row.get(0)?, text(row, 1)?);
        // Without a column it is the other table's primary key.
        let to = maybe(row, 3)?;
        match keys.last_mut() {
            Some((last, key)) if *last == id => {
                key.columns.push(column);
                key.to.extend(to);
            }
            _ => {
                let key = ForeignKey {
                    columns: vec![column],
                    table: text(row, 2)?,
                    to: to.into_iter().collect(),
                    on_delete: rule(text(row, 4)?),
                    on_update: rule(text(row, 5)?),
                };
                keys.push((id, key));
            }
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// The indexes with what made each: `c` a statement, `u` a UNIQUE, `pk` a primary key.
fn indexes(connection: &Connection, name: &str) -> Result<Vec<(Index, String)>> {
    let sql = "SELECT l.name, l.\"unique\", l.origin, l.partial, s.sql FROM pragma_index_list(?1) AS l \
               LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name ORDER BY l.name";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([name], |row| {
        let (partial, sql): (bool, _) = (row.get(3)?, maybe(row, 4)?);
        let only = sql
            .filter(|_| partial)
            .and_then(|sql| lexer::after_where(&sql));
        let index = Index {
            name: text(row, 0)?,
            columns: Vec::new(),
            unique: row.get(1)?,
            only,
        };
        Ok((index, text(row, 2)?))
    })?;
    let mut indexes: Vec<(Index, String)> = rows.collect::<Result<_>>()?;
    for (index, _) in &mut indexes {
        index.columns = index_columns(connection, &index.name)?;
    }
    Ok(indexes)
}

fn index_columns(connection: &Connection, index: &str) -> Result<Vec<String>> {
    let sql = "SELECT name, \"desc\" FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([index], |row| {
        let name = maybe(row, 0)?;
        let name = name.unwrap_or_else(|| "<expression>".to_owned());
        Ok(match row.get(1)? {
            true => format!("{name} DESC"),
            false => name,
        })
    })?;
    rows.collect()
}

fn options(
    connection: &Connection,
    name: &str,
    definition: Option<&str>,
    columns: &[ColumnSchema],
) -> Result<Vec<String>> {
    let sql = "SELECT wr, strict, type FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    let mut options = Vec::new();
    if let Some(row) = rows.next()? {
        if row.get(0)? {
            options.push("WITHOUT ROWID".to_owned());
        }
        if row.get(1)? {
            options.push("STRICT".to_owned());
        }
        if text(row, 2)? == "virtual" {
            let module = definition.and_then(lexer::after_using);
            options.push(format!("virtual: {}", module.unwrap_or_default()));
        }
    }
    options.extend(floats(columns));
    Ok(options)
}

/// What nobody expects who reads DECIMAL(20,2): the engine has no decimals, whatever a column is declared as.
fn floats(columns: &[ColumnSchema]) -> Option<String> {
    let decimal = |kind: &str| {
        let kind = kind.to_ascii_uppercase();
        kind.contains("DEC") || kind.contains("NUMERIC") || kind.contains("MONEY")
    };
    let names = columns.iter().filter(|column| decimal(&column.kind));
    let names: Vec<&str> = names.map(|column| column.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "decimals of {} are floats here: 15 digits are exact",
            names.join(", ")
        )
    })
}

/// Whether the table's rows have the engine's row numbers.
///
/// # Errors
/// The catalogue cannot be read.
pub fn has_rowid(connection: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT NOT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => row.get(0),
        None => Ok(false),
    }
}
