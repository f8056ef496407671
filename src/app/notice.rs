//! What a person who looks elsewhere is called for: a server that falls ill or gets well, a question that waits.
//!
//! Pure. Each server calls once a minute at most, and "well again" is only said of one that has called.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::{About, Host, Question, Server};
use crate::ids::{Moment, QuestionId, ServerName};
use crate::mcp::verdict::{Cause, Grade};

/// The least time between two calls for the same server.
const ONCE_IN: Duration = Duration::from_secs(60);

/// What has been seen, and what was called for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    verdicts: BTreeMap<ServerName, Cause>,
    called: BTreeMap<ServerName, (Moment, Grade)>,
    question: Option<QuestionId>,
}

impl Notices {
    /// What there is to say now, on one line; absent when nothing has changed that matters.
    pub fn news(&mut self, host: &Host, now: Moment) -> Option<String> {
        let mut news: Vec<String> = Vec::new();
        for server in &host.servers {
            news.extend(self.of_server(server, now));
        }
        news.extend(self.of_questions(host));
        (!news.is_empty()).then(|| news.join("; "))
    }

    fn of_server(&mut self, server: &Server, now: Moment) -> Option<String> {
        let verdict = &server.verdict;
        let name = &server.name;
        if self.verdicts.get(name) == Some(&verdict.cause) {
            return None;
        }
        let last = self.called.get(name).copied();
        let is_well = verdict.grade == Grade::Healthy;
        // "Well again" may come soon after: what was said last would be wrong else. The other waits, and is said when the
        // minute is over and it is still so.
        let is_ill = verdict.grade > Grade::Healthy;
        if is_ill && last.is_some_and(|(at, _)| now.since(at) < ONCE_IN) {
            return None;
        }
        self.verdicts.insert(name.clone(), verdict.cause);
        let was_said_ill = last.is_some_and(|(_, grade)| grade > Grade::Healthy);
        if !(is_ill || is_well && was_said_ill) {
            return None;
        }
        self.called.insert(name.clone(), (now, verdict.grade));
        Some(match is_well {
            true => format!("server {name} is well again"),
            false => format!("server {name}: {}", verdict.words),
        })
    }

    fn of_questions(&mut self, host: &Host) -> Option<String> {
        let newest = host.questions.iter().max_by_key(|question| question.id)?;
        let is_news = self.question < Some(newest.id);
        self.question = self.question.max(Some(newest.id));
        is_news.then(|| words(newest, host))
    }
}

fn words(question: &Question, host: &Host) -> String {
    match &question.about {
        About::Call { call, .. } => {
            let title = host.call(*call).map(crate::host::ToolCall::title);
            format!("{} waits for your yes", title.unwrap_or_default())
        }
        About::Server { server, .. } => format!("server {server} asks you something"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BrokenServer, Config};
    use crate::host::Settings;
    use crate::mcp::verdict::Verdict;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn host() -> Host {
        let broken = BrokenServer {
            name: "shop".into(),
            error: String::new(),
            required: false,
            enabled: true,
        };
        let config = Config {
            broken: vec![broken],
            ..Config::default()
        };
        Host::new(&config, Settings::default())
    }

    fn judged(host: &mut Host, cause: Cause) {
        host.servers[0].verdict = Verdict {
            grade: cause.grade(),
            cause,
            words: format!("{cause:?}"),
            since: Moment(0),
        };
    }

    #[test]
    fn a_server_calls_when_it_falls_ill_and_when_it_is_well_again_and_flapping_is_no_spam() {
        let mut host = host();
        let mut notices = Notices::default();
        let mut said = Vec::new();
        let story = [
            (0, Cause::Starting),
            (1, Cause::Well),
            (2, Cause::Slow),
            (3, Cause::Slow),
            (4, Cause::Well),
            (5, Cause::Down),
            (6, Cause::Well),
            (7, Cause::Down),
            (70, Cause::Down),
            (71, Cause::Well),
            (140, Cause::Circuit),
        ];
        for (second, cause) in story {
            judged(&mut host, cause);
            let news = notices.news(&host, at(second));
            said.extend(news.map(|text| (second, text)));
        }
        let expected = [
            (2, "server shop: Slow"),
            (4, "server shop is well again"),
            (70, "server shop: Down"),
            (71, "server shop is well again"),
            (140, "server shop: Circuit"),
        ];
        assert_eq!(
            said,
            expected.map(|(second, text)| (second, text.to_owned()))
        );
    }
}
