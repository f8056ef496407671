//! libpq's password file: `host:port:database:user:password`, a line each, `*` for any, `\` before a `:` that is meant.
//!
//! A file that others may read is passed over, as libpq does. Read once, when the address is.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The password for a database; none when the file is missing, readable by others, or has no line for it.
pub fn find(file: &Path, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
    let meta = std::fs::metadata(file).ok()?;
    if !meta.is_file() || meta.mode() & 0o077 != 0 {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    // A socket in its usual place is written `localhost` in these files.
    let host = if host.starts_with('/') {
        "localhost"
    } else {
        host
    };
    let port = port.to_string();
    let wanted = [host, &port, database, user];
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(fields)
        .find(|fields| {
            let mut pairs = fields.iter().zip(wanted);
            pairs.all(|(field, wanted)| field == "*" || field == wanted)
        })
        .and_then(|mut fields| fields.pop())
        .filter(|password| !password.is_empty())
}

/// The five fields of a line.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            // The last field is the rest of the line.
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut()?.push(characters.next()?),
            other => fields.last_mut()?.push(other),
        }
    }
    (fields.len() == 5).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_that_fits_counts_and_an_open_file_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pgpass");
        std::fs::write(
            &file,
            "# mine\nh:1:db:u:one\n*:*:*:u:two\\:and\\\\more\nlocalhost:*:*:*:three\nbroken:line\n",
        )
        .unwrap();
        let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o600);
        let found = |host, port, user| find(&file, host, port, "db", user);
        assert_eq!(found("h", 1, "u").as_deref(), Some("one"));
        assert_eq!(found("h", 2, "u").as_deref(), Some("two:and\\more"));
        assert_eq!(found("/var/run/x", 2, "v").as_deref(), Some("three"));
        assert_eq!(found("h", 1, "w"), None);
        mode(0o640);
        assert_eq!(found("h", 1, "u"), None);
    }
}
