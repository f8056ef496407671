//! The key of the argument digests, in `FILE.key` beside the log. Read when a log opens.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::chain::files::{beside, own};
use crate::chain::hex;

/// The key of the argument digests; made where there is none.
pub fn key(log: &Path) -> io::Result<Vec<u8>> {
    let path = beside(log, "key");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let text = text.trim_end();
            let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let wrong = || io::Error::other("the file `.key` beside it is no key");
            good.then(|| text.as_bytes().to_vec()).ok_or_else(wrong)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            let filled = aws_lc_rs::rand::fill(&mut bytes);
            filled.map_err(|_| io::Error::other("the system gives no randomness"))?;
            let text = hex(&bytes);
            let mut file = own(&path, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(format!("{text}\n").as_bytes())?;
            file.sync_all()?;
            Ok(text.into_bytes())
        }
        Err(error) => Err(error),
    }
}
