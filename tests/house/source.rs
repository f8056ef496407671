//! Reads Rust as text, well enough for rules about imports, words and sizes, and no better.
//!
//! Comments and the insides of literals become blanks of the same length, so that line numbers stay true; items under
//! `#[cfg(test)]` go the same way. What is left is searched for paths, with `use` trees written out in full.

/// A source file, ready for the rules.
pub struct Source {
    /// Its path below `src/`, with `/`.
    pub path: String,
    /// The text as it is.
    pub raw: String,
    /// The text without comments, literals and test items.
    pub code: String,
    /// The lines that belong to items under `#[cfg(test)]`.
    pub test_lines: usize,
}

/// A path such as `std::fs::read`, and the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub line: usize,
    pub segments: Vec<String>,
}

/// A function with a body.
pub struct Function {
    pub line: usize,
    pub name: String,
    /// Lines of the body that hold code.
    pub lines: usize,
    /// Whether the body is one `match` and nothing else.
    pub flat_match: bool,
}

impl Source {
    pub fn new(path: &str, raw: &str) -> Self {
        let stripped = strip(raw);
        let (code, test_lines) = without_tests(&stripped);
        Self {
            path: path.to_owned(),
            raw: raw.to_owned(),
            code,
            test_lines,
        }
    }

    /// Lines of the file that are no test.
    pub fn lines(&self) -> usize {
        self.raw.lines().count().saturating_sub(self.test_lines)
    }

    /// The line of a byte of the code.
    pub fn line_of(&self, at: usize) -> usize {
        line_of(&self.code, at)
    }

    /// Every path in the code: those of `use` trees in full, and those that stand inline.
    pub fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((start, word)) = next_word(&self.code, at) {
            at = start + word.len();
            if word == "use" && !self.code[at..].starts_with('<') {
                let end = self.code[at..]
                    .find(';')
                    .map_or(self.code.len(), |n| at + n);
                self.use_tree(at, end, &[], &mut found);
                at = end;
            } else if !continues(&self.code[..start]) {
                let segments = inline_path(&self.code, start);
                if segments.len() > 1 {
                    let line = self.line_of(start);
                    found.push(Path { line, segments });
                }
            }
        }
        found
    }

    fn use_tree(&self, from: usize, to: usize, before: &[String], found: &mut Vec<Path>) {
        let mut segments = before.to_vec();
        let mut at = from;
        while let Some(next) = self.code[at..to].find(|c: char| !c.is_whitespace()) {
            let start = at + next;
            if self.code[start..to].starts_with('{') {
                let close = closing(&self.code, start).unwrap_or(to).min(to);
                for (branch, end) in branches(&self.code, start + 1, close) {
                    self.use_tree(branch, end, &segments, found);
                }
                return;
            }
            if self.code[start..to].starts_with("::") {
                at = start + 2;
                continue;
            }
            let word = word_at(&self.code, start);
            if word.is_empty() && !self.code[start..to].starts_with('*') {
                break;
            }
            if word == "as" {
                break;
            }
            let segment = if word.is_empty() { "*" } else { word };
            segments.push(segment.to_owned());
            at = start + segment.len();
        }
        if segments.len() > before.len() {
            let line = self.line_of(from + leading_blanks(&self.code[from..to]));
            found.push(Path { line, segments });
        }
    }

    /// Every function that has a body, the outer ones of nested functions too.
    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((start, word)) = next_word(&self.code, at) {
            at = start + word.len();
            if word != "fn" {
                continue;
            }
            let name_at = at + leading_blanks(&self.code[at..]);
            let name = word_at(&self.code, name_at);
            if name.is_empty() {
                continue;
            }
            at = name_at + name.len();
            let Some(open) = body_start(&self.code, at) else {
                continue;
            };
            let close = closing(&self.code, open).unwrap_or(self.code.len());
            let body = &self.code[open + 1..close];
            found.push(Function {
                line: self.line_of(start),
                name: name.to_owned(),
                lines: body.lines().filter(|line| !line.trim().is_empty()).count(),
                flat_match: is_one_match(body),
            });
        }
        found
    }
}

/// Blanks out comments and the insides of strings and character literals. Line breaks stay.
pub fn strip(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match literal_end(source, at) {
            Some(end) => end,
            None => {
                at += 1;
                continue;
            }
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Where the comment or literal ends that begins at this byte, if one does.
fn literal_end(source: &str, at: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let rest = &bytes[at..];
    let to = |n: Option<usize>| Some(n.map_or(bytes.len(), |n| at + n));
    match rest[0] {
        b'/' if rest.starts_with(b"//") => to(rest.iter().position(|b| *b == b'\n')),
        b'/' if rest.starts_with(b"/*") => to(block_comment(rest)),
        b'"' => to(quoted(rest, b'"')),
        b'\'' => char_literal(&source[at..]).map(|n| at + n),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || raw_prefix(bytes, at) => {
            let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return None;
            }
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            to(find(&rest[body..], close.as_bytes()).map(|n| body + n + close.len()))
        }
        _ => None,
    }
}

/// Whether the `r` at this byte follows a lone `b` or `c`, as in `br"..."`.
fn raw_prefix(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b'b' | b'c') && (at < 2 || !is_word(bytes[at - 2]))
}

fn block_comment(rest: &[u8]) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The length of the character literal at the start, or none when the quote begins a lifetime.
fn char_literal(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return quoted(rest.as_bytes(), b'\'');
    }
    match chars.next() {
        Some((at, '\'')) => Some(at + 1),
        _ => None,
    }
}

/// Blanks out the items under `#[cfg(test)]` (and `#[cfg(all(test, ...))]`), and counts their lines.
fn without_tests(code: &str) -> (String, usize) {
    let mut out = code.as_bytes().to_vec();
    let mut lines = 0;
    let mut at = 0;
    while let Some(found) = code[at..].find("#[cfg(") {
        let start = at + found;
        let condition = &code[start + "#[cfg(".len()..];
        let attribute_end = closing(code, start + 1).map_or(code.len(), |n| n + 1);
        at = attribute_end;
        if !condition.starts_with("test)") && !condition.starts_with("all(test,") {
            continue;
        }
        at = item_end(code, attribute_end);
        lines += code[start..at].matches('\n').count() + 1;
        for byte in &mut out[start..at] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    (String::from_utf8(out).unwrap_or_default(), lines)
}

/// Where the item ends that begins here: after its `;`, or after the brace that closes its body.
fn item_end(code: &str, from: usize) -> usize {
    let is_use = next_word(code, from).is_some_and(|(_, word)| word == "use");
    let mut at = from;
    while at < code.len() {
        match code.as_bytes()[at] {
            b';' => return at + 1,
            b'{' if !is_use => return closing(code, at).map_or(code.len(), |n| n + 1),
            b'(' | b'[' | b'{' => at = closing(code, at).map_or(code.len(), |n| n + 1),
            _ => at += 1,
        }
    }
    code.len()
}

/// The brace that opens a function's body; none when it is only declared.
fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while at < code.len() {
        match code.as_bytes()[at] {
            b';' => return None,
            b'{' => return Some(at),
            b'(' | b'[' => at = closing(code, at)? + 1,
            _ => at += 1,
        }
    }
    None
}

/// The bracket that closes the one at this byte.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (n, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(open + n);
                }
            }
            _ => {}
        }
    }
    None
}

fn is_one_match(body: &str) -> bool {
    let body = body.trim();
    let Some(open) = body.find('{').filter(|_| body.starts_with("match ")) else {
        return false;
    };
    closing(body, open) == Some(body.len() - 1)
}

/// The branches of a `use` group between two bytes, split at its own commas.
fn branches(code: &str, from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (from, 0_usize);
    for at in from..to {
        match code.as_bytes()[at] {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push((start, to));
    found
}

/// The segments of the path that begins at this byte.
fn inline_path(code: &str, start: usize) -> Vec<String> {
    let mut segments = Vec::new();
    let mut at = start;
    loop {
        let word = word_at(code, at);
        if word.is_empty() {
            return segments;
        }
        segments.push(word.to_owned());
        at += word.len();
        if !code[at..].starts_with("::") {
            return segments;
        }
        at += 2;
    }
}

fn next_word(code: &str, from: usize) -> Option<(usize, &str)> {
    let start = from + code[from..].find(|c: char| c.is_alphanumeric() || c == '_')?;
    Some((start, word_at(code, start)))
}

fn word_at(code: &str, start: usize) -> &str {
    let rest = &code[start..];
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    &rest[..end.unwrap_or(rest.len())]
}

fn leading_blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Whether what follows this text is a later segment of a path, a field or a method.
fn continues(before: &str) -> bool {
    if let Some(head) = before.strip_suffix("::") {
        return head.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>');
    }
    before.ends_with('.') && !before.ends_with("..")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
