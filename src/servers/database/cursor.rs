//! The cursor of a query's next page: which query it belongs to, and how many rows came before. Pure.
//!
//! It holds all that there is to know, so that any instance can serve the next page, and so that nothing has to be kept for a
//! client that never comes back. It is no secret and no proof: whoever makes one up gets other rows of the own query.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes of the query's digest in a cursor.
const DIGEST: usize = 16;

/// The cursor for the rows after the first `skip`.
pub fn write(sql: &str, params: &[Value], skip: u64) -> String {
    let mut bytes = digest(sql, params).to_vec();
    bytes.extend(skip.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How many rows came before.
///
/// # Errors
/// It is no cursor, or one of another query; a sentence that says so.
pub fn read(cursor: &str, sql: &str, params: &[Value]) -> Result<u64, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let (Some(known), Some(skip), None) = (
        bytes.get(..DIGEST),
        bytes.get(DIGEST..DIGEST + 8),
        bytes.get(DIGEST + 8),
    ) else {
        return Err("`cursor` is not one that query_database gave; take `next_cursor` as it is.");
    };
    if known != digest(sql, params) {
        return Err(
            "`cursor` belongs to another query: send it with the same `sql` and `params` as the page before.",
        );
    }
    let skip: [u8; 8] = skip.try_into().unwrap_or_default();
    Ok(u64::from_be_bytes(skip))
}

fn digest(sql: &str, params: &[Value]) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    hash.update((sql.len() as u64).to_be_bytes());
    hash.update(sql);
    for value in params {
        let text = value.to_string();
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let whole = hash.finalize();
    let mut first = [0; DIGEST];
    for (to, from) in first.iter_mut().zip(whole.iter()) {
        *to = *from;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn a_cursor_is_read_by_its_own_query_alone(sql in ".*", other in ".*", skip: u64, n: i64) {
            let params = [json!(n), json!("x")];
            let cursor = write(&sql, &params, skip);
            prop_assert_eq!(read(&cursor, &sql, &params), Ok(skip));
            prop_assert!(sql == other || read(&cursor, &other, &params).is_err());
            prop_assert!(read(&cursor, &sql, &params[..1]).is_err());
        }

        #[test]
        fn whatever_else_comes_as_a_cursor_is_refused(text in ".*") {
            prop_assert!(read(&text, "SELECT 1", &[]).is_err());
        }
    }
}
