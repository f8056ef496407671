//! URI templates (RFC 6570, levels 1 to 3 and the prefix of level 4): their variables, the URI that values make of them, and
//! which variable is being typed in a URI that is not finished.
//!
//! Pure. A server wrote the template: what cannot be read as one is no template, and nothing here fails on it.

use std::collections::BTreeMap;

/// Variables of one template at most; what has more is not filled in by hand.
const VARIABLES: usize = 64;

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Expression { by: Operator, of: Vec<Variable> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    name: String,
    /// The first so many characters of the value.
    prefix: Option<usize>,
}

/// How an expression is written into the URI: section 3.2.1 and the table in appendix A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    first: &'static str,
    separator: &'static str,
    named: bool,
    /// What follows the name of an empty value.
    empty: &'static str,
    reserved: bool,
    optional: bool,
}

/// A variable that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// Its name.
    pub variable: String,
    /// What is typed of it.
    pub value: String,
    /// The variables before it.
    pub known: BTreeMap<String, String>,
    /// Where its value begins in the URI, in bytes.
    pub start: usize,
    /// What the template puts behind the value.
    pub behind: String,
    reserved: bool,
}

impl Operator {
    /// The operator that a sign stands for; the plain one without a sign.
    fn of(sign: Option<char>) -> Self {
        let (first, separator) = match sign {
            Some('#') => ("#", ","),
            Some('.') => (".", "."),
            Some('/') => ("/", "/"),
            Some(';') => (";", ";"),
            Some('?') => ("?", "&"),
            Some('&') => ("&", "&"),
            _ => ("", ","),
        };
        Self {
            first,
            separator,
            named: matches!(sign, Some(';' | '?' | '&')),
            empty: if matches!(sign, Some('?' | '&')) {
                "="
            } else {
                ""
            },
            reserved: matches!(sign, Some('+' | '#')),
            optional: matches!(sign, Some('#' | ';' | '?' | '&')),
        }
    }
}

impl UriTemplate {
    /// Reads a template. Nothing where it is none: a brace that is not closed, a name that is no name, an operator that RFC 6570
    /// keeps for later.
    pub fn parse(template: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return None;
            }
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let close = open + rest[open..].find('}')?;
            parts.push(expression(&rest[open + 1..close])?);
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let read = Self { parts };
        (read.variables().len() <= VARIABLES).then_some(read)
    }

    /// Its variables in order, each once, and whether the URI can do without it.
    pub fn variables(&self) -> Vec<(String, bool)> {
        let mut out: Vec<(String, bool)> = Vec::new();
        for part in &self.parts {
            let Part::Expression { by, of } = part else {
                continue;
            };
            for variable in of {
                match out.iter_mut().find(|(name, _)| *name == variable.name) {
                    Some((_, optional)) => *optional &= by.optional,
                    None => out.push((variable.name.clone(), by.optional)),
                }
            }
        }
        out
    }

    /// The URI that these values make. A variable without a value leaves nothing behind.
    pub fn expand(&self, values: &BTreeMap<String, String>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => encode(text, true, &mut out),
                Part::Expression { by, of } => write(*by, of, values, &mut out),
            }
        }
        out
    }

    /// The variable that is being typed at the end of a URI that begins as the template says. Only where values can be told from
    /// what stands between them: plain and reserved expressions of one variable.
    pub fn typing(&self, uri: &str) -> Option<Typing> {
        let mut known = BTreeMap::new();
        let mut at = 0;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            let (by, variable) = match part {
                Part::Literal(text) => {
                    uri[at..].strip_prefix(text.as_str())?;
                    at += text.len();
                    continue;
                }
                Part::Expression { by, of } => match of.as_slice() {
                    [only] if by.first.is_empty() => (by, only),
                    _ => return None,
                },
            };
            let behind = literal(parts.peek().copied())?;
            let end = uri[at..].find(behind).filter(|_| !behind.is_empty());
            let value = &uri[at..end.map_or(uri.len(), |end| at + end)];
            if !by.reserved && value.contains(['/', '?', '#']) {
                return None;
            }
            let Some(end) = end else {
                return Some(Typing {
                    variable: variable.name.clone(),
                    value: decode(value),
                    known,
                    start: at,
                    behind: behind.to_owned(),
                    reserved: by.reserved,
                });
            };
            known.insert(variable.name.clone(), decode(value));
            at += end;
        }
        None
    }
}

/// The text that stands behind an expression; none where another expression does.
fn literal(part: Option<&Part>) -> Option<&str> {
    match part {
        Some(Part::Literal(text)) => Some(text),
        Some(Part::Expression { .. }) => None,
        None => Some(""),
    }
}

impl Typing {
    /// The URI so far with this value in the place of what was typed.
    pub fn with(&self, uri: &str, value: &str) -> String {
        let mut out = uri.get(..self.start).unwrap_or_default().to_owned();
        encode(value, self.reserved, &mut out);
        out.push_str(&self.behind);
        out
    }
}

fn expression(text: &str) -> Option<Part> {
    let sign = text.chars().next().filter(|c| !is_of_name(*c));
    if sign.is_some_and(|sign| !"+#./;?&".contains(sign)) {
        return None;
    }
    let names = &text[sign.map_or(0, char::len_utf8)..];
    let of = names.split(',').map(variable).collect::<Option<Vec<_>>>()?;
    Some(Part::Expression {
        by: Operator::of(sign),
        of,
    })
}

fn variable(text: &str) -> Option<Variable> {
    let (name, prefix) = match text.split_once(':') {
        Some((name, length)) => {
            let length = length.parse().ok().filter(|n| (1..10_000).contains(n))?;
            (name, Some(length))
        }
        // A list is what `*` is for, and what is typed is one text.
        None => (text.strip_suffix('*').unwrap_or(text), None),
    };
    let good = !name.is_empty() && name.chars().all(|c| is_of_name(c) || c == '.');
    good.then(|| Variable {
        name: name.to_owned(),
        prefix,
    })
}

/// Letters beyond ASCII and `-` are not in the RFC; servers use them, and they are in nobody's way.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '%')
}

fn write(by: Operator, of: &[Variable], values: &BTreeMap<String, String>, out: &mut String) {
    let mut before = by.first;
    for variable in of {
        let Some(value) = values.get(&variable.name) else {
            continue;
        };
        out.push_str(before);
        before = by.separator;
        if by.named {
            out.push_str(&variable.name);
            out.push_str(if value.is_empty() { by.empty } else { "=" });
        }
        let length = variable.prefix.unwrap_or(usize::MAX);
        let value: String = value.chars().take(length).collect();
        encode(&value, by.reserved, out);
    }
}

/// Percent-encodes what may not stand in a URI; with `reserved`, what has a meaning there stays, and so does what is encoded.
fn encode(text: &str, reserved: bool, out: &mut String) {
    for (at, c) in text.char_indices() {
        let is_unreserved = c.is_ascii_alphanumeric() || "-._~".contains(c);
        let is_encoded = || {
            let digits = text.as_bytes().get(at + 1..at + 3);
            digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        };
        let stays = reserved && (":/?#[]@!$&'()*+,;=".contains(c) || (c == '%' && is_encoded()));
        if is_unreserved || stays {
            out.push(c);
            continue;
        }
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let value = digits
            .filter(|_| *byte == b'%')
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(value.unwrap_or(*byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> BTreeMap<String, String> {
        [
            ("var", "value"),
            ("hello", "Hello World!"),
            ("path", "/foo/bar"),
            ("empty", ""),
            ("x", "1024"),
            ("y", "768"),
            ("half", "50%"),
            ("base", "http://example.com/home/"),
            ("who", "fred"),
            ("semi", ";"),
            ("ten", "Tường"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn expanded(template: &str) -> String {
        UriTemplate::parse(template).unwrap().expand(&values())
    }

    /// The examples of section 3.2, for values that are texts.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (template, uri) in [
            ("{var}", "value"),
            ("{hello}", "Hello%20World%21"),
            ("O{empty}X", "OX"),
            ("O{undef}X", "OX"),
            ("{x,y}", "1024,768"),
            ("{x,hello,y}", "1024,Hello%20World%21,768"),
            ("?{x,empty}", "?1024,"),
            ("?{x,undef}", "?1024"),
            ("{var:3}", "val"),
            ("{var:30}", "value"),
            ("{half}", "50%25"),
            ("{+var}", "value"),
            ("{+hello}", "Hello%20World!"),
            ("{+half}", "50%25"),
            ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
            ("{+base}index", "http://example.com/home/index"),
            ("up{+path}{var}/here", "up/foo/barvalue/here"),
            ("{+x,hello,y}", "1024,Hello%20World!,768"),
            ("{+path:6}/here", "/foo/b/here"),
            ("{#var}", "#value"),
            ("{#hello}", "#Hello%20World!"),
            ("foo{#empty}", "foo#"),
            ("foo{#undef}", "foo"),
            ("{#path,x}/here", "#/foo/bar,1024/here"),
            ("{.who}", ".fred"),
            ("{.who,who}", ".fred.fred"),
            ("{.half,who}", ".50%25.fred"),
            ("X{.empty}", "X."),
            ("{/who}", "/fred"),
            ("{/var,empty}", "/value/"),
            ("{/var,undef}", "/value"),
            ("{/var,x}/here", "/value/1024/here"),
            ("{;who}", ";who=fred"),
            ("{;half}", ";half=50%25"),
            ("{;empty}", ";empty"),
            ("{;x,y,empty}", ";x=1024;y=768;empty"),
            ("{;x,y,undef}", ";x=1024;y=768"),
            ("{?who}", "?who=fred"),
            ("{?x,y,empty}", "?x=1024&y=768&empty="),
            ("{?x,y,undef}", "?x=1024&y=768"),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
            ("{&x,y,empty}", "&x=1024&y=768&empty="),
            (
                "file:///{ten}/{+path}",
                "file:///T%C6%B0%E1%BB%9Dng//foo/bar",
            ),
            ("plain", "plain"),
        ] {
            assert_eq!(expanded(template), uri, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_told_apart() {
        for text in [
            "{", "}", "{}", "{a", "a}", "{=a}", "{a b}", "{a:0}", "{|x}", "{a,}",
        ] {
            assert_eq!(UriTemplate::parse(text), None, "{text}");
        }
        let many: String = (0..=VARIABLES).map(|n| format!("{{v{n}}}")).collect();
        assert_eq!(UriTemplate::parse(&many), None);
    }

    #[test]
    fn variables_come_once_and_say_whether_they_are_needed() {
        let template = UriTemplate::parse("db://{table}/{id}{?limit,table}").unwrap();
        let expected = [("table", false), ("id", false), ("limit", true)];
        assert_eq!(
            template.variables(),
            expected.map(|(name, optional)| (name.to_owned(), optional))
        );
    }

    #[test]
    fn the_variable_that_is_typed_is_found() {
        let template = UriTemplate::parse("gh://{owner}/{repo}/readme").unwrap();
        let typing = template.typing("gh://an%20h/mc").unwrap();
        assert_eq!(
            (typing.variable.as_str(), typing.value.as_str()),
            ("repo", "mc")
        );
        assert_eq!(typing.known["owner"], "an h");
        assert_eq!(
            typing.with("gh://an%20h/mc", "mcp deck"),
            "gh://an%20h/mcp%20deck/readme"
        );
        assert_eq!(template.typing("gh"), None);
        assert_eq!(template.typing("gh://a/b/readme"), None);
        let path = UriTemplate::parse("file:///{+path}").unwrap();
        assert_eq!(path.typing("file:///a/b").unwrap().value, "a/b");
        let plain = UriTemplate::parse("file:///{path}").unwrap();
        assert_eq!(plain.typing("file:///a/b"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}+#a-c,:*0-9é/ ]{0,24}", uri in "\\PC{0,24}") {
            if let Some(template) = UriTemplate::parse(&text) {
                let all = template.variables().into_iter().map(|(name, _)| (name, uri.clone())).collect();
                let made = template.expand(&all);
                prop_assert!(made.is_ascii() && !made.contains(' '), "{}", made);
                if let Some(typing) = template.typing(&uri) {
                    prop_assert!(typing.with(&uri, &typing.value).ends_with(&typing.behind));
                }
            }
        }

        /// What was put into a URI for a plain variable is found again in it.
        #[test]
        fn a_value_comes_back(value in "\\PC{0,12}") {
            let template = UriTemplate::parse("x://{a}/{b}").unwrap();
            let values: BTreeMap<_, _> = [("a".to_owned(), value.clone()), ("b".to_owned(), "z".to_owned())].into();
            let typing = template.typing(&template.expand(&values)).unwrap();
            prop_assert_eq!(&typing.known["a"], &value);
        }
    }
}
