//! Streamable HTTP.

use tokio_util::task::TaskTracker;

use crate::config::HttpLaunch;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::Link;
use crate::mcp::wire::tap::ConnectionTap;

/// Opens a link to a URL.
///
/// # Errors
/// When the URL or a header cannot be used.
pub fn start(
    launch: &HttpLaunch,
    _tap: &ConnectionTap,
    _tasks: &TaskTracker,
) -> Result<Link, Box<Failure>> {
    Err(Box::new(Failure {
        target: Some(launch.url.clone()),
        ..Failure::new(FailureKind::Config, "HTTP is not spoken yet")
    }))
}
