//! What came of the files as JUnit XML, as build servers read it. Pure.
//!
//! The texts are a server's: characters that XML does not have are left out, and what would be markup is escaped.

use std::time::Duration;

use crate::cli::test::judge::Failure;
use crate::cli::test::report::{Judged, Report, Totals, Verdict};

/// The whole document.
pub fn xml(reports: &[Report]) -> String {
    let totals = Totals::of(reports);
    let took = reports.iter().map(|report| report.took).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!(
        "<testsuites name=\"mcpdeck\" {} time=\"{}\">\n",
        counts(&totals),
        seconds(took)
    ));
    for report in reports {
        suite(&mut out, report);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &Report) {
    let totals = Totals::of(std::slice::from_ref(report));
    out.push_str(&format!(
        "  <testsuite name=\"{}\" {} time=\"{}\">\n",
        escaped(&report.file),
        counts(&totals),
        seconds(report.took)
    ));
    for judged in &report.cases {
        case(out, report, judged);
    }
    if let Some(why) = &report.broken {
        out.push_str(&format!("    <system-err>{}</system-err>\n", escaped(why)));
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, report: &Report, case: &Judged) {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
        escaped(&case.name),
        escaped(&report.file),
        seconds(case.took)
    );
    let inner = match &case.verdict {
        Verdict::Passed => return out.push_str(&format!("{head}/>\n")),
        Verdict::Skipped(why) => format!("<skipped message=\"{}\"/>", escaped(why)),
        Verdict::Broken => {
            let why = report.broken.as_deref().unwrap_or_default();
            let first = why.lines().next().unwrap_or_default();
            format!("<error message=\"{}\" type=\"server\"/>", escaped(first))
        }
        Verdict::Failed(failures) => failed(failures),
    };
    out.push_str(&format!("{head}>\n      {inner}\n    </testcase>\n"));
}

/// One element for all failures: what reads these files expects one a case.
fn failed(failures: &[Failure]) -> String {
    let message = failures.first().map_or("", |first| &first.expected);
    let line =
        |failure: &Failure| format!("expected {}\ncame     {}", failure.expected, failure.came);
    let lines: Vec<String> = failures.iter().map(line).collect();
    format!(
        "<failure message=\"expected {}\" type=\"expectation\">{}</failure>",
        escaped(message),
        escaped(&lines.join("\n"))
    )
}

fn counts(totals: &Totals) -> String {
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        totals.all(),
        totals.failed,
        totals.broken,
        totals.skipped
    )
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// A text for an attribute or an element. A line break in an attribute would be read as a blank.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(cases: Vec<Judged>) -> Report {
        Report {
            file: "tests/a&b.toml".to_owned(),
            server: "server".to_owned(),
            broken: None,
            cases,
            took: Duration::from_millis(1500),
        }
    }

    fn judged(name: &str, verdict: Verdict) -> Judged {
        Judged {
            name: name.to_owned(),
            verdict,
            took: Duration::from_millis(12),
        }
    }

    #[test]
    fn a_report_of_each_verdict_as_build_servers_read_it() {
        let failure = Failure {
            expected: "the text \"<a>\"".to_owned(),
            came: "x\u{1b}[31m ]]> &\n2".to_owned(),
        };
        let cases = vec![
            judged("good", Verdict::Passed),
            judged("bad \"quoted\"", Verdict::Failed(vec![failure])),
            judged("later", Verdict::Skipped("not yet".to_owned())),
        ];
        insta::assert_snapshot!(xml(&[report(cases)]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="mcpdeck" tests="3" failures="1" errors="0" skipped="1" time="1.500">
          <testsuite name="tests/a&amp;b.toml" tests="3" failures="1" errors="0" skipped="1" time="1.500">
            <testcase name="good" classname="tests/a&amp;b.toml" time="0.012"/>
            <testcase name="bad &quot;quoted&quot;" classname="tests/a&amp;b.toml" time="0.012">
              <failure message="expected the text &quot;&lt;a&gt;&quot;" type="expectation">expected the text &quot;&lt;a&gt;&quot;&#10;came     x[31m ]]&gt; &amp;&#10;2</failure>
            </testcase>
            <testcase name="later" classname="tests/a&amp;b.toml" time="0.012">
              <skipped message="not yet"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    /// Whether a document is well formed as far as this writer can break it: tags in pairs, quotes closed, no character that
    /// XML does not have, no bare ampersand.
    fn is_well_formed(xml: &str) -> bool {
        let allowed = |c: char| matches!(c, '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if !xml.chars().all(allowed) {
            return false;
        }
        let mut open = Vec::new();
        for piece in xml.split('<').skip(1) {
            let Some((tag, text)) = piece.split_once('>') else {
                return false;
            };
            let bare = |text: &str| {
                text.split('&')
                    .skip(1)
                    .any(|rest| rest.split_once(';').is_none_or(|(name, _)| name.len() > 5))
            };
            if text.contains('>') || bare(text) || bare(tag) || tag.matches('"').count() % 2 != 0 {
                return false;
            }
            match tag.strip_prefix('/') {
                Some(name) if open.pop() != Some(name) => return false,
                Some(_) => {}
                None if tag.ends_with(['/', '?']) => {}
                None => open.push(tag.split(' ').next().unwrap_or_default()),
            }
        }
        open.is_empty()
    }

    #[test]
    fn the_check_of_the_form_sees_what_is_wrong() {
        for bad in [
            "<a>",
            "<a></b>",
            "<a>&</a>",
            "<a>\u{1}</a>",
            "<a b=\"></a>",
            "<a>></a>",
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
        assert!(is_well_formed("<a b=\"c\"><d/>&lt;</a>"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_document(name in any::<String>(), expected in "[<>&\"']{0,9}\\PC{0,9}", came in any::<String>()) {
            let failures = vec![Failure { expected, came }];
            let cases = vec![
                judged(&name, Verdict::Failed(failures)),
                judged(&name, Verdict::Skipped(name.clone())),
                judged(&name, Verdict::Broken),
            ];
            let broken = Report { broken: Some(name.clone()), ..report(cases) };
            let xml = xml(&[broken]);
            prop_assert!(is_well_formed(&xml), "{}", xml);
        }
    }
}
