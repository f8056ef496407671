//! The turn in words: the answer on stdout, everything else on stderr.

use super::Reporter;
use super::watch::{News, Watch};
use crate::agent::transcript::Level;
use crate::cli::error::CliError;
use crate::cli::{failure, output};
use crate::host::{CallEnd, Host, ToolCall};
use crate::ids::Moment;
use crate::text::{clean, human, wrap};

/// Columns of arguments and results on stderr.
const SHORT: usize = 100;

/// Prints words.
#[derive(Debug, Default)]
pub struct Words {
    watch: Watch,
    /// The answer so far does not end with a line break.
    in_line: bool,
}

impl Reporter for Words {
    fn pass_over(&mut self, host: &Host) {
        self.watch.pass_over(host);
    }

    fn look(&mut self, host: &Host, now: Moment) {
        for news in self.watch.news(host) {
            match news {
                News::Text(text) => {
                    self.in_line = !text.ends_with('\n');
                    output::data(&clean::data(text));
                }
                News::TextEnd if self.in_line => output::data("\n"),
                News::TextEnd => {}
                News::Server(server) => {
                    if let Some(failure) = server.status.failure() {
                        let why = clean::line(&failure.headline());
                        output::note(&format!(
                            "server {}: {}: {why}",
                            server.name,
                            server.status.word()
                        ));
                    }
                }
                // The model is told, and the end says what came of it.
                News::Verdict(_) => {}
                News::Call(call) => {
                    let arguments = wrap::truncate(&clean::line(&call.arguments), SHORT);
                    output::note(&format!("> {} {arguments}", clean::line(&call.title())));
                }
                News::Result(call) => output::note(&ended(call, now)),
                // An error ends the turn, and the end of the program says it.
                News::Note(note) if note.level == Level::Error => {}
                News::Note(note) => {
                    output::note(&clean::block(&note.text));
                    if let Some(hint) = &note.hint {
                        output::note(&format!("hint: {}", clean::block(hint)));
                    }
                }
            }
        }
    }

    fn end(&mut self, _: Option<&Host>, _: Option<&CliError>) {}
}

/// A call that has ended, on one line; what went wrong stands there whole.
fn ended(call: &ToolCall, now: Moment) -> String {
    let end = call.end().map_or("", CallEnd::word);
    let took = human::duration(call.elapsed(now));
    let mut line = format!("< {} {end}, {took}", clean::line(&call.title()));
    if let Some(end) = call.end().filter(|end| end.is_error()) {
        line.push_str(": ");
        line.push_str(&clean::line(&failure::cause(end)));
    }
    line
}
