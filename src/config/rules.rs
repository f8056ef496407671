//! Writes an "always" answer into the user's own file. Impure; called by the driver alone.
//!
//! The file is the person's: comments, order and spacing stay as they are.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, TableLike, Value, value};

use crate::config::settings::AllowRule;

/// Adds a rule to `[[allow]]`, making file and folder where they are absent. A rule that is there already changes nothing.
/// The file is replaced as a whole, so that a crash leaves the old one or the new one.
///
/// # Errors
/// When the file cannot be read or written, or is not valid TOML: then it is left as it is.
pub fn save_allow_rule(user_file: &Path, rule: &AllowRule) -> io::Result<()> {
    // The file may be a link into somebody's dotfiles: the link stays, its target is replaced.
    let target = fs::canonicalize(user_file).unwrap_or_else(|_| user_file.to_path_buf());
    let text = match fs::read_to_string(&target) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let reason = format!("`{}` is not valid TOML: {error}", target.display());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })?;
    if !add(&mut document, rule)? {
        return Ok(());
    }
    replace(&target, &document.to_string())
}

/// Whether the document changed.
fn add(document: &mut DocumentMut, rule: &AllowRule) -> io::Result<bool> {
    let fields = [
        ("server", rule.server.as_str()),
        ("tool", rule.tool.as_str()),
        ("launch", rule.launch.as_str()),
    ];
    let item = document
        .entry("allow")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match item {
        Item::ArrayOfTables(rules) => {
            if rules.iter().any(|known| same(known, &fields)) {
                return Ok(false);
            }
            rules.push(
                fields
                    .iter()
                    .map(|(key, text)| (*key, value(*text)))
                    .collect(),
            );
        }
        Item::Value(Value::Array(rules)) => {
            let inline = |known: &Value| known.as_inline_table().is_some_and(|k| same(k, &fields));
            if rules.iter().any(inline) {
                return Ok(false);
            }
            rules.push(fields.into_iter().collect::<InlineTable>());
        }
        _ => {
            let reason = "`allow` in your mcp.toml is not a list of `[[allow]]` tables";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
    }
    Ok(true)
}

fn same(known: &dyn TableLike, fields: &[(&str, &str)]) -> bool {
    fields
        .iter()
        .all(|(key, text)| known.get(key).and_then(Item::as_str) == Some(text))
}

/// Writes beside the file and renames. A new temporary file is readable by its owner alone (0600 on Unix), and stays so.
fn replace(target: &Path, text: &str) -> io::Result<()> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".mcp-")
        .suffix(".toml")
        .tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::save_allow_rule;
    use crate::config::settings::AllowRule;

    fn rule(tool: &str) -> AllowRule {
        AllowRule {
            server: "files".into(),
            tool: tool.to_owned(),
            launch: "npx 'a \"b\"' c".to_owned(),
        }
    }

    #[test]
    fn a_rule_is_added_once_and_the_rest_stays() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("new/folder/mcp.toml");
        save_allow_rule(&file, &rule("read")).unwrap();
        let first = fs::read_to_string(&file).unwrap();
        save_allow_rule(&file, &rule("read")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);

        let mine = "# mine\n[ui] # looks\ntheme   = 'dark'\n";
        fs::write(&file, mine).unwrap();
        save_allow_rule(&file, &rule("read")).unwrap();
        save_allow_rule(&file, &rule("write")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(mine), "{text}");
        assert_eq!(text.matches("[[allow]]").count(), 2);
    }

    #[test]
    fn an_inline_list_grows_too() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mcp.toml");
        fs::write(&file, "allow = []\n[ui]\n").unwrap();
        save_allow_rule(&file, &rule("read")).unwrap();
        save_allow_rule(&file, &rule("read")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("launch").count(), 1, "{text}");
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mcp.toml");
        for text in ["[[allow]\n", "allow = 3\n"] {
            fs::write(&file, text).unwrap();
            assert!(save_allow_rule(&file, &rule("read")).is_err());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_and_a_link_stays_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (link, target) = (home.path().join("mcp.toml"), home.path().join("dots.toml"));
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        save_allow_rule(&link, &rule("read")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
