//! Tools that pass for another server's: the same name, a name that looks the same, the same words about what it does.
//!
//! Pure. Names are compared by a skeleton in which look-alike letters are one letter; words as a set. What takes the product of
//! all tools is bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;

use crate::ids::ServerName;

/// Words that a description must have before its likeness means something.
const WORDS: usize = 8;
/// How many of all words of both must be the same, in hundredths.
const SAME: usize = 90;
/// Pairs of descriptions that are compared; with more tools than that only equal ones are found.
const PAIRS: usize = 200_000;

/// How two tools can be alike.
const NAME: &str = "it has the same name";
const SAID: &str = "it is described in the same words";
const BOTH: &str = "it has the same name and is described in the same words";

/// A tool among all tools.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its server.
    pub server: &'a ServerName,
    /// Whether the server is one of our own.
    pub is_ours: bool,
    /// Its name.
    pub tool: &'a str,
    /// What it does, in its server's words.
    pub description: &'a str,
}

/// Two tools that look alike; both ways round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alike {
    /// The one.
    pub this: (ServerName, String),
    /// The other.
    pub other: (ServerName, String),
    /// How, in our words.
    pub how: &'static str,
}

impl Alike {
    /// Whether it is common among honest servers and therefore worth no word of its own: many have a `search`.
    pub fn is_common(&self) -> bool {
        self.how == NAME
    }
}

/// The tools that look alike. Of our own servers among themselves nothing is said.
pub fn alike(tools: &[Named<'_>]) -> Vec<Alike> {
    let mut pairs: BTreeMap<(usize, usize), &'static str> = BTreeMap::new();
    let mut names: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, named) in tools.iter().enumerate() {
        names.entry(skeleton(named.tool)).or_default().push(at);
    }
    for (bone, group) in &names {
        if !bone.is_empty() {
            by_name(tools, group, &mut pairs);
        }
    }
    by_words(tools, &mut pairs);
    let mut out = Vec::new();
    for ((a, b), how) in pairs {
        let (Some(a), Some(b)) = (tools.get(a), tools.get(b)) else {
            continue;
        };
        let whole = |of: &Named<'_>| (of.server.clone(), of.tool.to_owned());
        for (this, other) in [(whole(a), whole(b)), (whole(b), whole(a))] {
            out.push(Alike { this, other, how });
        }
    }
    out.sort();
    out
}

/// Whether a likeness of these two is worth a word.
fn counts(a: &Named<'_>, b: &Named<'_>) -> bool {
    !(a.is_ours && b.is_ours)
}

fn by_name(
    tools: &[Named<'_>],
    group: &[usize],
    pairs: &mut BTreeMap<(usize, usize), &'static str>,
) {
    // Of a crowd with one name each is compared with the first few.
    for (place, &a) in group.iter().enumerate() {
        for &b in group.iter().take(place.min(8)) {
            let (Some(one), Some(two)) = (tools.get(b), tools.get(a)) else {
                continue;
            };
            let how = match (one.server == two.server, one.tool == two.tool) {
                (false, true) => NAME,
                (true, true) => continue,
                (_, false) => "its name looks the same",
            };
            if counts(one, two) {
                pairs.insert((b, a), how);
            }
        }
    }
}

fn by_words(tools: &[Named<'_>], pairs: &mut BTreeMap<(usize, usize), &'static str>) {
    let words = |text: &str| -> BTreeSet<u64> {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(number).collect()
    };
    let sets: Vec<(usize, BTreeSet<u64>)> = tools
        .iter()
        .enumerate()
        .map(|(at, named)| {
            (
                at,
                words(&named.description.chars().take(4_000).collect::<String>()),
            )
        })
        .filter(|(_, set)| set.len() >= WORDS)
        .collect();
    let is_too_many = sets.len().saturating_mul(sets.len()) / 2 > PAIRS;
    let mut equal: HashMap<&BTreeSet<u64>, usize> = HashMap::new();
    for (place, (a, set)) in sets.iter().enumerate() {
        let nearest = |b: usize| {
            let (one, two) = (tools.get(b)?, tools.get(*a)?);
            (one.server != two.server && counts(one, two)).then_some((b, *a))
        };
        let others: Vec<usize> = if is_too_many {
            equal.insert(set, *a).into_iter().collect()
        } else {
            let near = sets[..place]
                .iter()
                .filter(|(_, other)| is_near(set, other));
            near.map(|(b, _)| *b).collect()
        };
        for pair in others.into_iter().filter_map(nearest) {
            let known = pairs.entry(pair).or_insert(SAID);
            if *known == NAME {
                *known = BOTH;
            }
        }
    }
}

fn is_near(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> bool {
    let (small, large) = (a.len().min(b.len()), a.len().max(b.len()));
    if small * 100 < large * SAME {
        return false;
    }
    let both = a.intersection(b).count();
    both * 100 >= (a.len() + b.len() - both) * SAME
}

/// A number for a word; that two words share one is no matter here.
fn number(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A name in which all that looks the same is the same: case, look-alike letters and digits, widths, signs between words.
pub fn skeleton(name: &str) -> String {
    let lower = |c: char| c.to_lowercase();
    let plain = name.nfkc().map(|c| plain_letter(c).unwrap_or(c));
    let plain: String = plain
        .flat_map(lower)
        .filter(|c| c.is_alphanumeric())
        .collect();
    let same = |c: char| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        '5' => 's',
        c => c,
    };
    let bones: String = plain.chars().map(same).collect();
    bones.replace("rn", "m").replace("vv", "w")
}

/// Whether a name writes Latin words with some letters of another script.
pub(super) fn mixes_scripts(name: &str) -> bool {
    let borrowed = name
        .chars()
        .any(|c| !c.is_ascii() && plain_letter(c).is_some());
    borrowed && name.chars().any(|c| c.is_ascii_alphabetic())
}

/// Letters of other scripts, and the Latin one that each looks like.
const LOOK: &[(&str, char)] = &[
    ("аαɑ", 'a'),
    ("АΑ", 'A'),
    ("ВΒ", 'B'),
    ("сϲⅽ", 'c'),
    ("СϹ", 'C'),
    ("ԁⅾ", 'd'),
    ("еҽ", 'e'),
    ("ЕΕ", 'E'),
    ("ɡ", 'g'),
    ("һ", 'h'),
    ("НΗ", 'H'),
    ("іıι", 'i'),
    ("ІΙ", 'I'),
    ("ј", 'j'),
    ("Ј", 'J'),
    ("κк", 'k'),
    ("КΚ", 'K'),
    ("ӏⅼ", 'l'),
    ("ⅿ", 'm'),
    ("МΜ", 'M'),
    ("ո", 'n'),
    ("Ν", 'N'),
    ("оοօ", 'o'),
    ("ОΟ", 'O'),
    ("рρ", 'p'),
    ("РΡ", 'P'),
    ("ԛ", 'q'),
    ("г", 'r'),
    ("ѕ", 's'),
    ("Ѕ", 'S'),
    ("т", 't'),
    ("ТΤ", 'T'),
    ("υս", 'u'),
    ("νѵ", 'v'),
    ("ѡԝ", 'w'),
    ("хχ", 'x'),
    ("ХΧ", 'X'),
    ("уγ", 'y'),
    ("УΥ", 'Y'),
    ("Ζ", 'Z'),
];

/// The Latin letter that a letter of another script looks like.
pub(super) fn plain_letter(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    let row = LOOK.iter().find(|(like, _)| like.contains(c));
    row.map(|(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tools: &[(&str, bool, &str, &str)]) -> Vec<String> {
        let servers: Vec<ServerName> = tools.iter().map(|t| ServerName::new(t.0)).collect();
        let named: Vec<Named<'_>> = tools
            .iter()
            .zip(&servers)
            .map(|((_, is_ours, tool, description), server)| Named {
                server,
                is_ours: *is_ours,
                tool,
                description,
            })
            .collect();
        let of = |alike: &Alike| {
            format!(
                "{}.{}: {} as {}.{}",
                alike.this.0, alike.this.1, alike.how, alike.other.0, alike.other.1
            )
        };
        alike(&named).iter().map(of).collect()
    }

    #[test]
    fn names_that_look_the_same_are_found_both_ways() {
        for other in [
            "read_file",
            "Read-File",
            "rеad_file",
            "read_fi1e",
            "ｒead_file",
            "readFile",
        ] {
            let pairs = found(&[("a", false, "read_file", ""), ("b", false, other, "")]);
            assert_eq!(pairs.len(), 2, "{other}: {pairs:?}");
        }
        assert_eq!(
            found(&[("a", false, "send", ""), ("a", false, "sеnd", "")]).len(),
            2,
            "within a server, too"
        );
    }

    #[test]
    fn the_same_words_under_another_name_are_found() {
        let words = "Sends an email to one or several recipients with a subject and a body";
        let other = "Sends an email to one or several recipients, with a subject and a body!";
        assert_eq!(
            found(&[
                ("a", false, "send_email", words),
                ("b", false, "mail", other)
            ])
            .len(),
            2
        );
        assert_eq!(
            found(&[
                ("a", false, "x", "Lists things"),
                ("b", false, "y", "Lists things")
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_different_and_what_is_ours_is_not_found() {
        let none = Vec::<String>::new();
        assert_eq!(
            found(&[
                (
                    "a",
                    false,
                    "read_file",
                    "Reads one file of the disk, given its path as a text."
                ),
                (
                    "b",
                    false,
                    "write_file",
                    "Creates a new file and fills it with the given content, nothing more."
                )
            ]),
            none
        );
        assert_eq!(
            found(&[("a", true, "read_file", ""), ("b", true, "read_file", "")]),
            none
        );
        assert_eq!(
            found(&[("a", true, "read_file", ""), ("b", false, "read_file", "")]).len(),
            2
        );
        assert_eq!(
            found(&[("a", false, "读取", ""), ("b", false, "写入", "")]),
            none
        );
    }

    #[test]
    fn thousands_of_tools_take_no_time() {
        let server = [ServerName::new("a"), ServerName::new("b")];
        let names: Vec<String> = (0..10_000).map(|n| format!("tool_{n}")).collect();
        let words: Vec<String> = (0..10_000)
            .map(|n| format!("does the thing number {n} with all that belongs to it in full"))
            .collect();
        let named: Vec<Named<'_>> = (0..10_000)
            .map(|n| Named {
                server: &server[n % 2],
                is_ours: false,
                tool: &names[n],
                description: &words[n],
            })
            .collect();
        let began = std::time::Instant::now();
        let pairs = alike(&named);
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
        assert!(pairs.len() < 10_000 * 20);
    }
}
