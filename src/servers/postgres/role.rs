//! What the role can do beyond reading and writing rows: looked at once, at start.
//!
//! A read-only transaction binds tables and sequences and nothing else. A role that can run programs, touch the server's files,
//! end other roles' sessions, or become somebody who can, is not bound by it: such a role is refused unless it is trusted by name
//! of an option. What counts is what the role can reach by any membership, for `SET ROLE` is a function away.

use tokio_postgres::Client;

use crate::servers::postgres::Trouble;

/// Memberships by which a role reaches beyond the database, or past others.
const REACHING: &str = "'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_signal_backend'";

/// Functions by which SQL leaves the transaction: files, programs, and connections of their own.
const LEAVING: &str = "'pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'lo_import', 'lo_export', 'pg_file_write', 'pg_file_rename', \
    'pg_file_unlink', 'dblink', 'dblink_connect', 'dblink_connect_u', 'dblink_exec', 'dblink_open', 'dblink_send_query'";

/// The role that asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The server's version as it says it.
    pub server: String,
    /// Whether it is a superuser itself.
    pub superuser: bool,
    /// What else it can reach, each in words.
    pub reaches: Vec<String>,
}

impl Role {
    /// Asks the server.
    ///
    /// # Errors
    /// The server refused, or the connection broke.
    pub async fn read(client: &Client) -> Result<Self, Trouble> {
        // Names of the system alone: whatever the role's search path holds, no other function is meant.
        client
            .batch_execute("BEGIN TRANSACTION READ ONLY; SET LOCAL search_path = pg_catalog")
            .await?;
        let sql = "SELECT session_user::text, pg_catalog.current_setting('server_version'), r.rolsuper \
                   FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) session_user";
        let row = client.query_one(sql, &[]).await?;
        let mut role = Self {
            name: row.try_get(0)?,
            server: row.try_get(1)?,
            superuser: row.try_get(2)?,
            reaches: Vec::new(),
        };
        if !role.superuser {
            role.reaches = reaches(client).await?;
        }
        Ok(role)
    }

    /// Why the role should not be served, and what to do; none when it may.
    pub fn refusal(&self) -> Option<String> {
        let what = if self.superuser {
            "is a superuser, whom no read-only transaction keeps from running programs and writing files".to_owned()
        } else if self.reaches.is_empty() {
            return None;
        } else {
            let shown: Vec<&str> = self.reaches.iter().take(5).map(String::as_str).collect();
            let more = match self.reaches.len().saturating_sub(shown.len()) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!(
                "can do more than a read-only transaction forbids: it {}{more}",
                shown.join(", ")
            )
        };
        Some(format!(
            "the role `{}` {what}. Use a role with rights on the tables alone (such as a member of pg_read_all_data), or pass --allow-superuser if this is meant",
            self.name
        ))
    }
}

async fn reaches(client: &Client) -> Result<Vec<String>, Trouble> {
    let sql = format!(
        "SELECT CASE WHEN r.rolname OPERATOR(pg_catalog.=) session_user THEN '' ELSE r.rolname::text END, \
            CASE WHEN r.rolsuper THEN 'a superuser' WHEN r.rolreplication THEN 'REPLICATION' \
                 WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE '' END \
         FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER') \
           AND (r.rolsuper OR r.rolreplication OR r.rolcreaterole OR r.rolname IN ({REACHING})) ORDER BY 1"
    );
    let mut found = Vec::new();
    for row in client.query(sql.as_str(), &[]).await? {
        let (name, right): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        found.push(match (name.as_str(), right.as_str()) {
            ("", right) => format!("has {right}"),
            (name, "") => format!("is a member of `{name}`"),
            (name, right) => format!("is a member of `{name}`, which has or is {right}"),
        });
    }
    let sql = format!(
        "SELECT DISTINCT n.nspname::text, p.proname::text FROM pg_catalog.pg_proc p \
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace \
         WHERE p.proname IN ({LEAVING}) AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE') \
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1, 2"
    );
    for row in client.query(sql.as_str(), &[]).await? {
        let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        found.push(format!("may call `{schema}.{name}`"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_reaches_further_is_refused_with_what_it_reaches() {
        let mut role = Role {
            name: "ann".to_owned(),
            ..Role::default()
        };
        assert_eq!(role.refusal(), None);
        role.reaches = vec!["has CREATEROLE".to_owned()];
        assert!(role.refusal().unwrap().contains("it has CREATEROLE. Use"));
        role.superuser = true;
        let why = role.refusal().unwrap();
        assert!(why.contains("`ann` is a superuser") && why.contains("--allow-superuser"));
    }
}
