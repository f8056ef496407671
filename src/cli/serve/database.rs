//! The flags of `mcpdeck serve database`.

use clap::{Args, ValueEnum};

use crate::cli::serve::Common;
use crate::servers::database::{self, Level};
use crate::servers::{ServeError, Serving};

/// `mcpdeck serve database URL`
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub common: Box<Common>,
}

/// Which database, and what may be done with it.
#[derive(Debug, Args)]
pub struct What {
    /// `sqlite:FILE`, `sqlite::memory:`, a path to an SQLite file, or `postgres://USER@HOST/DATABASE`. A password in an
    /// argument shows in the list of processes: let this variable, PGPASSWORD or ~/.pgpass hold it.
    #[arg(env = "MCPDECK_DATABASE_URL", hide_env_values = true)]
    url: String,
    /// What the tools may do.
    #[arg(long, value_enum, value_name = "ACCESS", default_value_t = DatabaseAccess::Changes)]
    access: DatabaseAccess,
    /// The same as `--access read-only`.
    #[arg(long, conflicts_with = "access")]
    read_only: bool,
    /// Serve PostgreSQL even to a role that no read-only transaction binds: a superuser, or one that reaches files or programs.
    #[arg(long)]
    allow_superuser: bool,
}

/// What the tools of the database server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatabaseAccess {
    /// Read: no tool changes anything.
    ReadOnly,
    /// Read, and insert, update and delete rows. An SQLite file is put into WAL mode by the first change.
    Changes,
    /// All of it, and run scripts of any SQL: tables can be made, altered and dropped.
    ReadWrite,
}

impl What {
    /// Serves it.
    pub async fn serve(self, serving: Serving) -> Result<(), ServeError> {
        let level = match self.access {
            _ if self.read_only => Level::ReadOnly,
            DatabaseAccess::ReadOnly => Level::ReadOnly,
            DatabaseAccess::Changes => Level::Changes,
            DatabaseAccess::ReadWrite => Level::ReadWrite,
        };
        database::serve(&self.url, level, self.allow_superuser, serving).await
    }
}
