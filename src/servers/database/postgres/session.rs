//! Transactions with their settings, on connections of the pool. All work of the engine begins here.

use std::time::Duration;

use tokio_postgres::Client;

use crate::servers::database::engine::Bounds;
use crate::servers::database::postgres::PostgreSql;
use crate::servers::postgres::Trouble;

/// How long a statement waits for another one's lock.
const LOCK: Duration = Duration::from_secs(10);

/// What the server waits longer than we do.
const SPARE: Duration = Duration::from_secs(2);

/// How the server writes values while we read: the same everywhere, whatever a role or database has set.
const WRITTEN: &str = "SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'; \
    SET LOCAL extra_float_digits = 1; SET LOCAL standard_conforming_strings = on";

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Read.
    Read,
    /// Read and write.
    Write,
}

impl PostgreSql {
    /// Lends a connection in a read-only transaction, which is rolled back afterwards whatever happens.
    pub fn reading<T>(
        &self,
        bounds: &Bounds<'_>,
        work: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let left = bounds.left();
        self.pool.run(left, bounds.stop, async |client| {
            begin(client, May::Read, left).await?;
            work(client).await
        })
    }
}

/// Begins a transaction.
///
/// The last statement takes the transaction's snapshot: from then on the server refuses to make it writable.
pub async fn begin(client: &Client, may: May, time: Duration) -> Result<(), Trouble> {
    let mode = match may {
        May::Read => "READ ONLY",
        May::Write => "READ WRITE",
    };
    let millis = |time: Duration| time.as_millis().clamp(1, 86_400_000);
    let sql = format!(
        "BEGIN TRANSACTION {mode}; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}; {WRITTEN}; SELECT 1",
        // We end it at its time; the server does so when we cannot.
        millis(time + SPARE),
        millis(time.min(LOCK)),
        // Should we be gone without a word, the server lets go of the locks by itself.
        millis(time + LOCK),
    );
    Ok(client.batch_execute(&sql).await?)
}
