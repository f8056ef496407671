//! Waits for what sends no event: the one place where a test looks again after a while.
//!
//! Where there is an event (a line on stdout, a message, a channel), wait for that instead.

use std::time::Duration;

/// Between two looks: short for a person, long for a busy machine.
const AGAIN: Duration = Duration::from_millis(10);

/// Waits until `holds` does, at most for `limit`; then fails and says what never came.
pub async fn until(what: &str, limit: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(AGAIN).await;
        }
    };
    let came = tokio::time::timeout(limit, wait).await;
    assert!(came.is_ok(), "never came: {what}");
}
