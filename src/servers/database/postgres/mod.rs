//! PostgreSQL behind the tools. Called by `database::open`.

use std::sync::Arc;

use crate::servers::ServeError;
use crate::servers::database::engine::Engine;
use crate::servers::database::url::masked;

/// Opens what the URL names: `postgres://USER@HOST/DATABASE`.
///
/// # Errors
/// PostgreSQL is not there.
pub async fn open(url: &str) -> Result<Arc<dyn Engine>, ServeError> {
    Err(ServeError::Url {
        url: masked(url),
        why: "PostgreSQL is not served yet; SQLite is".to_owned(),
    })
}
