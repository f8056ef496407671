//! Which engine a URL means, and a URL as it may be shown: without its password. Pure.

use std::path::{Path, PathBuf};

use crate::servers::ServeError;

/// What a URL means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in this place.
    Sqlite(Place),
    /// PostgreSQL; its client reads the URL.
    #[cfg(feature = "postgres")]
    Postgres,
}

/// Where an SQLite database lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, for as long as the server runs.
    Memory,
}

/// Reads `sqlite:FILE`, `sqlite://FILE`, `sqlite::memory:`, a path, or `postgres://...`.
///
/// # Errors
/// Another kind of URL, or one that names nothing.
pub fn kind(url: &str) -> Result<Kind, ServeError> {
    let refuse = |why: &str| ServeError::Url {
        url: masked(url),
        why: why.to_owned(),
    };
    if is_postgres(url) {
        #[cfg(feature = "postgres")]
        return Ok(Kind::Postgres);
        #[cfg(not(feature = "postgres"))]
        return Err(refuse(
            "this program was built without PostgreSQL; SQLite is served",
        ));
    }
    let rest = match url.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None if url.contains("://") => {
            return Err(refuse(
                "only `sqlite:FILE`, a path and `postgres://...` are served",
            ));
        }
        None => url,
    };
    match rest {
        "" => Err(refuse("it names no file; write `sqlite:FILE`")),
        ":memory:" => Ok(Kind::Sqlite(Place::Memory)),
        // Made whole, so that no name that begins with `file:` is taken for a URL.
        path => Ok(Kind::Sqlite(Place::File(match path.starts_with("file:") {
            true => Path::new(".").join(path),
            false => PathBuf::from(path),
        }))),
    }
}

fn is_postgres(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    ["postgres", "postgresql"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// The scheme of a URL and no more of it: a user, a password or a key may stand anywhere behind. A path is shown whole.
pub fn masked(url: &str) -> String {
    url.split_once("://")
        .map_or(url, |(scheme, _)| scheme)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> Option<PathBuf> {
        match kind(url) {
            Ok(Kind::Sqlite(Place::File(path))) => Some(path),
            _ => None,
        }
    }

    #[test]
    fn every_form_of_the_url_names_its_file() {
        assert_eq!(file("sqlite:shop.db"), Some("shop.db".into()));
        assert_eq!(file("sqlite://shop.db"), Some("shop.db".into()));
        assert_eq!(file("sqlite:///tmp/shop.db"), Some("/tmp/shop.db".into()));
        assert_eq!(file("data/shop.db"), Some("data/shop.db".into()));
        assert_eq!(
            file("file:x?vfs=unix-none"),
            Some("./file:x?vfs=unix-none".into())
        );
        assert_eq!(
            kind("sqlite::memory:").ok(),
            Some(Kind::Sqlite(Place::Memory))
        );
        assert!(kind("sqlite:").is_err() && kind("").is_err());
    }

    #[test]
    fn a_password_in_a_refused_url_is_not_repeated() {
        let said = kind("mysql://me:secret@host/db").unwrap_err().to_string();
        assert!(!said.contains("secret") && !said.contains("me:"), "{said}");
        assert_eq!(
            masked("postgres://me:secret@host/db?password=x"),
            "postgres"
        );
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn postgres_is_known_by_both_its_names() {
        for url in ["postgres://h/db", "postgresql://h/db", "POSTGRES://h/db"] {
            assert_eq!(kind(url).ok(), Some(Kind::Postgres));
        }
    }
}
