//! The schemas of the tables as resources, one per table or view.

use tokio_util::sync::CancellationToken;

use crate::servers::database::Database;
use crate::servers::database::catalogue::Relation;
use crate::servers::database::schema::schema;
use crate::servers::toolbox::{Listed, Page, Refusal, Resources};

/// What a schema's URI begins with.
const BEGIN: &str = "database:///schema/";

const JSON: &str = "application/json";

/// The resources of a database.
pub const RESOURCES: Resources<Database> = Resources { list, read };

fn list(database: &Database, stop: &CancellationToken) -> Result<Vec<Listed>, Refusal> {
    let catalogue = database.engine.catalogue(&database.bounds(stop))?;
    let listed = catalogue.relations.iter().map(|relation| Listed {
        uri: uri(relation),
        name: relation.shown.clone(),
        title: format!("Schema of {}", relation.shown),
        description: match &relation.comment {
            Some(comment) => comment.clone(),
            None => format!(
                "{} columns with types, keys and indexes",
                relation.columns.len()
            ),
        },
        mime: JSON,
    });
    Ok(listed.collect())
}

fn read(
    database: &Database,
    wanted: &str,
    stop: &CancellationToken,
) -> Result<Option<Page>, Refusal> {
    let catalogue = database.engine.catalogue(&database.bounds(stop))?;
    let mut relations = catalogue.relations.iter();
    let Some(relation) = relations.find(|relation| uri(relation) == wanted) else {
        return Ok(None);
    };
    let schema = schema(database, relation, stop)?;
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Refusal(e.to_string()))?;
    Ok(Some(Page { text, mime: JSON }))
}

/// Every byte that could mean something in a URI is written as its number.
fn uri(relation: &Relation) -> String {
    let mut uri = BEGIN.to_owned();
    for byte in relation.shown.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
