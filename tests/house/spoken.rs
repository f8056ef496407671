//! The README's tables of what is spoken: each cell names the test that backs it, and that test exists.
//!
//! A cell is `[yes][name]`, and `[name]: FILE "test"` below the tables says which. A cell that is not there is `–` with the mark of
//! a footnote (`–¹`), which says why. Texts come in and complaints go out, so that the rule can be shown tables that break it.

use std::collections::BTreeMap;

/// The heading under which the tables stand.
const HEADING: &str = "## What it speaks";

/// The marks of footnotes.
const SIGNS: &str = "¹²³⁴⁵⁶⁷⁸⁹";

/// Everything that is wrong with the tables; `file` gives a file's text by its path in the repository.
pub fn broken(readme: &str, file: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let Some((_, rest)) = readme.split_once(HEADING) else {
        return vec![format!("no `{HEADING}`")];
    };
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let tests = definitions(section);
    let mut found = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    let mut marks: Vec<char> = Vec::new();
    let rows = body(section);
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (feature, cells) = (cells[0], &cells[1..]);
        // Two eras, side by side, each in as many ways.
        if cells.is_empty() || cells.len() % 2 == 1 {
            found.push(format!("`{feature}` has {} cells", cells.len()));
            continue;
        }
        for cell in cells {
            match (link(cell), mark(cell)) {
                (Some(name), _) if tests.contains_key(name) => named.push(name),
                (Some(name), _) => {
                    found.push(format!("`{feature}` names [{name}], which is nowhere"));
                }
                (None, Some(mark)) => marks.push(mark),
                (None, None) => found.push(format!(
                    "`{feature}` has a cell without a test and without a footnote: {cell:?}"
                )),
            }
        }
        if cells.iter().all(|cell| mark(cell).is_some()) {
            found.push(format!("`{feature}` has no cell with a test"));
        }
    }
    for sign in SIGNS.chars() {
        let explained = section.lines().any(|line| line.starts_with(sign));
        match (marks.contains(&sign), explained) {
            (true, false) => found.push(format!("the footnote {sign} is nowhere")),
            (false, true) => found.push(format!("the footnote {sign} is of no cell")),
            _ => {}
        }
    }
    if rows.is_empty() {
        found.push("there is no row".to_owned());
    }
    for (name, (path, test)) in &tests {
        if !named.contains(name) {
            found.push(format!("[{name}] is in no cell"));
        }
        match file(path) {
            None => found.push(format!("[{name}]: there is no {path}")),
            Some(text) if !has_test(&text, test) => {
                found.push(format!("[{name}]: {path} has no test `{test}`"));
            }
            Some(_) => {}
        }
    }
    found
}

/// The rows of all tables below their heads.
fn body(section: &str) -> Vec<&str> {
    let mut rows = Vec::new();
    let mut below_the_head = false;
    for line in section.lines() {
        if !line.starts_with('|') {
            below_the_head = false;
        } else if line.starts_with("| ---") {
            below_the_head = true;
        } else if below_the_head {
            rows.push(line);
        }
    }
    rows
}

/// `[name]: FILE "test"`, each name with both.
fn definitions(section: &str) -> BTreeMap<&str, (&str, &str)> {
    let lines = section.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix('[')?.split_once("]: ")?;
        let (path, test) = rest.split_once(" \"")?;
        Some((name, (path, test.trim_end().strip_suffix('"')?)))
    });
    lines.collect()
}

fn link(cell: &str) -> Option<&str> {
    cell.strip_prefix("[yes][")?.strip_suffix(']')
}

/// The footnote of a cell that is not there.
fn mark(cell: &str) -> Option<char> {
    let mut rest = cell.strip_prefix('–')?.chars();
    let sign = rest.next().filter(|sign| SIGNS.contains(*sign))?;
    rest.next().is_none().then_some(sign)
}

/// Whether a text has this function, and a `#[test]` of any kind stands before it.
fn has_test(text: &str, test: &str) -> bool {
    let heads = [format!("fn {test}()"), format!("fn {test}(")];
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_head = |line: &&str| {
        let line = line.trim_start_matches("async ");
        heads.iter().any(|head| line.starts_with(head.as_str()))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev();
        let mut marks = above.take_while(|line| line.starts_with("#["));
        is_head(line)
            && marks.any(|mark| mark.starts_with("#[test]") || mark.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# x\n## What it speaks\n\n| | old: agent | hand | new: agent | hand |\n| --- | --- | --- | --- | --- |\n\
        | Tools | [yes][a] | [yes][b] | [yes][a] | [yes][b] |\n| Ping | [yes][b] | [yes][b] | –¹ | –¹ |\n\n¹ It is not in there.\n\n\
        [a]: tests/a.rs \"it_works\"\n[b]: tests/a.rs \"so_does_this\"\n\n## Next\n| no row of ours |\n";

    fn files(path: &str) -> Option<String> {
        let text = "#[test]\nfn it_works() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn so_does_this() {}\n\nfn helper() {}\n";
        (path == "tests/a.rs").then(|| text.to_owned())
    }

    fn with(from: &str, to: &str) -> Vec<String> {
        assert!(GOOD.contains(from), "{from}");
        broken(&GOOD.replacen(from, to, 1), files)
    }

    #[test]
    fn a_table_whose_cells_have_tests_is_good() {
        assert_eq!(with("# x", "# y"), [""; 0]);
    }

    #[test]
    fn each_way_to_break_the_table_is_found() {
        for (from, to, words) in [
            (
                "[yes][a] | [yes][b] | [yes][a]",
                "yes | [yes][b] | [yes][a]",
                "without a test and without a footnote: \"yes\"",
            ),
            (
                "[yes][a] | [yes][b] | [yes][a]",
                "– | [yes][b] | [yes][a]",
                "without a footnote: \"–\"",
            ),
            (
                "[yes][a] | [yes][b] | [yes][a]",
                "–² | [yes][b] | [yes][a]",
                "the footnote ² is nowhere",
            ),
            ("–¹ | –¹", "[yes][b] | [yes][b]", "¹ is of no cell"),
            ("–¹ | –¹", "–¹ | –x", "without a footnote: \"–x\""),
            (
                "| Ping | [yes][b] | [yes][b] |",
                "| Ping | –¹ | –¹ |",
                "no cell with a test",
            ),
            ("| [yes][b] |\n| Ping", "|\n| Ping", "has 3 cells"),
            ("[yes][a]", "[yes][c]", "which is nowhere"),
            (
                "tests/a.rs \"it_works\"",
                "tests/b.rs \"it_works\"",
                "there is no tests/b.rs",
            ),
            ("\"it_works\"", "\"it_work\"", "has no test `it_work`"),
            ("\"it_works\"", "\"helper\"", "has no test `helper`"),
            (
                "\n## Next",
                "[d]: tests/a.rs \"it_works\"\n\n## Next",
                "[d] is in no cell",
            ),
            (
                "## What it speaks",
                "## What it says",
                "no `## What it speaks`",
            ),
        ] {
            let found = with(from, to);
            assert!(
                found.iter().any(|line| line.contains(words)),
                "{to}: {found:?}"
            );
        }
    }
}
