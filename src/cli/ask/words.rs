//! The turn in words: the answer on stdout, everything else on stderr.

use super::Reporter;
use super::watch::{News, Watch};
use crate::cli::output;
use crate::host::{CallEnd, Host, outcome};
use crate::ids::Moment;
use crate::text::{clean, human, wrap};

/// Columns of arguments and results on stderr.
const SHORT: usize = 100;

/// Prints words.
#[derive(Debug, Default)]
pub struct Words {
    watch: Watch,
}

impl Reporter for Words {
    fn look(&mut self, host: &Host, now: Moment) {
        for news in self.watch.news(host) {
            match news {
                News::Text(text) => output::data(&clean::block(text)),
                News::TextEnd => output::data("\n"),
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
                News::Call(call) => {
                    let arguments = wrap::truncate(&clean::line(&call.arguments), SHORT);
                    output::note(&format!("> {} {arguments}", clean::line(&call.title())));
                }
                News::Result(call) => {
                    let end = call.end().map_or("", CallEnd::word);
                    let took = human::duration(call.elapsed(now));
                    let why = call
                        .end()
                        .filter(|end| end.is_error())
                        .map(outcome::words)
                        .unwrap_or_default();
                    let why = wrap::truncate(&clean::line(&why), SHORT);
                    output::note(
                        format!("< {} {end}, {took} {why}", clean::line(&call.title())).trim_end(),
                    );
                }
                News::Note(note) => {
                    output::note(&clean::block(&note.text));
                    if let Some(hint) = &note.hint {
                        output::note(&format!("hint: {}", clean::block(hint)));
                    }
                }
            }
        }
    }

    fn end(&mut self, _: &Host) {}
}
