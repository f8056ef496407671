//! Servers from PyPI: where they are, and what `desk.py`, a FastMCP server with one of each, shows of both eras.
//!
//! Gated by `MCPDECK_TEST_PYPI`, the folder of the environments that `.ci/suites/pypi.sh` prepares.

mod desk;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Once;

/// Names the folder that holds the environments `mcp1` and `fastmcp`.
const VARIABLE: &str = "MCPDECK_TEST_PYPI";

/// The environments with the pinned packages.
pub struct Pypi {
    folder: PathBuf,
}

/// The environments, or none when the suite is not asked for. A variable that leads nowhere is a failure, not a reason to skip.
pub fn pypi() -> Option<Pypi> {
    static SAID: Once = Once::new();
    let Some(folder) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        // Written past the test harness, which keeps what a passing test prints.
        SAID.call_once(|| {
            let words = format!("skipped: set {VARIABLE}=DIR, or run .ci/suites/pypi.sh\n");
            let _closed = io::stderr().write_all(words.as_bytes());
        });
        return None;
    };
    let pypi = Pypi {
        folder: PathBuf::from(folder),
    };
    for program in [pypi.server("mcp-server-git"), pypi.python()] {
        assert!(
            PathBuf::from(&program).is_file(),
            "{VARIABLE} is set, but {program} does not exist; run .ci/suites/pypi.sh"
        );
    }
    Some(pypi)
}

impl Pypi {
    /// A server that came as a program of its own.
    pub fn server(&self, name: &str) -> String {
        self.inside(&format!("mcp1/bin/{name}"))
    }

    /// The Python that knows FastMCP.
    pub fn python(&self) -> String {
        self.inside("fastmcp/bin/python")
    }

    fn inside(&self, path: &str) -> String {
        self.folder.join(path).to_string_lossy().into_owned()
    }
}

/// `python THIS` is the server `desk`.
pub fn desk() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/pypi/desk.py").to_owned()
}
