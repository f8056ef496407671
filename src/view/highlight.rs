//! Colours for code, made beside the draw thread: the first block of a language costs up to a tenth of a second.
//!
//! The view draws a closed code block plain and leaves a [`Job`] in the memo. After each draw the terminal takes
//! `memo.pending()`, runs [`highlight_now`] on each where it may block (`tokio::task::spawn_blocking`), hands the answer to
//! `memo.fulfil(&job, colours)` and draws again. Without that, code stays plain and nothing else is different. The answer
//! names tints, not colours, so that it serves every theme.

use std::sync::OnceLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

/// Lines that are coloured at most; longer code stays plain.
const LINES: usize = 2_000;
/// Bytes of one line that are coloured at most.
const LINE_BYTES: usize = 16_000;

/// Code that waits for its colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub(super) key: u64,
    /// The language as the fence names it.
    pub language: String,
    /// The code, cleaned.
    pub code: String,
}

/// The lines of a code block as tinted pieces; empty when the language is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Highlighted {
    pub(super) lines: Vec<Vec<(Tint, String)>>,
}

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    Plain,
    Keyword,
    Text,
    Number,
    Comment,
    Entity,
}

/// Whether this code is coloured at all.
pub(super) fn is_worth_it(language: &str, code: &str) -> bool {
    !language.is_empty()
        && code.lines().count() <= LINES
        && code.lines().all(|line| line.len() <= LINE_BYTES)
}

/// Colours one block. Takes milliseconds, up to a tenth of a second for the first of a language: not for the draw thread.
pub fn highlight_now(job: &Job) -> Highlighted {
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    let syntaxes = SYNTAXES.get_or_init(two_face::syntax::extra_newlines);
    let Some(syntax) = syntaxes.find_syntax_by_token(&job.language) else {
        return Highlighted::default();
    };
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut lines = Vec::new();
    for line in job.code.lines() {
        let text = format!("{line}\n");
        let Ok(ops) = state.parse_line(&text, syntaxes) else {
            return Highlighted::default();
        };
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, op) in ops {
            push(&mut pieces, &text, from, at, &stack);
            from = at.max(from);
            if stack.apply(&op).is_err() {
                return Highlighted::default();
            }
        }
        push(&mut pieces, &text, from, text.len(), &stack);
        lines.push(pieces);
    }
    Highlighted { lines }
}

fn push(pieces: &mut Vec<(Tint, String)>, text: &str, from: usize, to: usize, stack: &ScopeStack) {
    let Some(text) = text.get(from..to).map(|text| text.trim_end_matches('\n')) else {
        return;
    };
    if text.is_empty() {
        return;
    }
    let tint = tint(stack);
    match pieces.last_mut() {
        Some((last, piece)) if *last == tint => piece.push_str(text),
        _ => pieces.push((tint, text.to_owned())),
    }
}

/// The innermost scope that says something decides.
fn tint(stack: &ScopeStack) -> Tint {
    let innermost = stack.as_slice().iter().rev();
    let known = |scope: &Scope| {
        let found = tints()
            .iter()
            .find(|(prefix, _)| prefix.is_prefix_of(*scope));
        found.map(|(_, tint)| *tint)
    };
    innermost
        .map(known)
        .find_map(|tint| tint)
        .unwrap_or(Tint::Plain)
}

fn tints() -> &'static [(Scope, Tint)] {
    static TINTS: OnceLock<Vec<(Scope, Tint)>> = OnceLock::new();
    TINTS.get_or_init(|| {
        let known = [
            ("comment", Tint::Comment),
            ("string", Tint::Text),
            ("constant.character", Tint::Text),
            ("constant", Tint::Number),
            ("keyword.operator", Tint::Plain),
            ("keyword", Tint::Keyword),
            ("storage", Tint::Keyword),
            ("entity.name", Tint::Entity),
            ("support", Tint::Entity),
            ("variable.function", Tint::Entity),
            ("punctuation.definition.comment", Tint::Comment),
            ("punctuation.definition.string", Tint::Text),
        ];
        let scope = |(name, tint)| Scope::new(name).ok().map(|scope| (scope, tint));
        known.into_iter().filter_map(scope).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(language: &str, code: &str) -> Job {
        Job {
            key: 0,
            language: language.into(),
            code: code.into(),
        }
    }

    #[test]
    fn a_piece_of_rust_has_its_tints_and_loses_no_character() {
        let code = "// note\nfn main() {\n    let s = \"héllo\"; // 你好\n}\n";
        let seen = highlight_now(&job("rust", code));
        let text: Vec<String> = seen
            .lines
            .iter()
            .map(|line| line.iter().map(|(_, text)| text.as_str()).collect())
            .collect();
        assert_eq!(text.join("\n"), code.trim_end());
        assert_eq!(seen.lines[0][0].0, Tint::Comment);
        assert_eq!(seen.lines[1][0], (Tint::Keyword, "fn".into()));
        assert!(seen.lines[2].contains(&(Tint::Text, "\"héllo\"".into())));
    }

    #[test]
    fn the_languages_of_the_trade_are_known() {
        for language in ["json", "toml", "sql", "python", "ts", "bash", "yaml", "rs"] {
            assert!(
                !highlight_now(&job(language, "a = 1")).lines.is_empty(),
                "{language}"
            );
        }
        assert_eq!(highlight_now(&job("klingon", "a")), Highlighted::default());
    }

    #[test]
    fn what_is_too_long_stays_plain() {
        assert!(is_worth_it("sql", &"select 1;\n".repeat(2_000)));
        assert!(!is_worth_it("sql", &"select 1;\n".repeat(2_001)));
        assert!(!is_worth_it("sql", &"x".repeat(16_001)));
        assert!(!is_worth_it("", "x"));
    }
}
