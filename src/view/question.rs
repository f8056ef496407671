//! The question before a call that may change something: what will be sent, whole and exact, and the answers with their keys.
//!
//! Pure. Drawn over the input.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::{App, Choice, Context};
use crate::config::Launch;
use crate::host::{About, Server, ToolCall};
use crate::mcp::tool::Annotations;
use crate::text::{clean, human};
use crate::view::layout::{self, Areas};
use crate::view::memo::{Memo, digest};
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;
use crate::view::{ask, code, composer, meaning, pane, pins, value};

/// Lines about what strikes the eye in the tool; the tools' list shows all.
const FLAGS: usize = 4;
/// Rows inside the frame below which no blank line stands before the answers.
const TIGHT: u16 = 12;
/// Rows that the arguments have before the words above them, with their title.
const BODY: u16 = 5;

/// Draws the first question, if there is one. Gives the rows of its arguments and how many of them are on show.
pub(super) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    areas: &Areas,
) -> (usize, usize) {
    let Some(question) = app.host.questions.front() else {
        return (0, 0);
    };
    let About::Call { call, why } = &question.about else {
        return (0, 0);
    };
    let Some(call) = app.host.call(*call) else {
        return (0, 0);
    };
    // Side by side, the lists stay in sight; else the question may cover them.
    let within = areas.chat.filter(|_| areas.boxed).unwrap_or(areas.body);
    let cols = usize::from(pane::inset(within, 2).width).max(1);
    // Two columns stay for the bar that says where one is: no byte may be behind it.
    let room = cols.saturating_sub(2).max(1);
    let key = digest(&("arguments", &call.arguments, room, theme.name));
    let above = meaning::lines(app, call, room, theme, memo);
    let arguments = memo.lines(key, |_| value::exact(&call.arguments, room, theme));
    let head = head(app, why, call, cols, theme);
    let foot = foot(app, cols, theme);
    let all = above.len() + arguments.len();
    let wanted = 2 + head.len() + 1 + all + foot.len() + usize::from(app.ask.reason.is_some());
    // At least a quarter of the conversation stays in sight, unless that leaves no room to read.
    let most = (usize::from(within.height) * 3 / 4).max(12);
    let rows = u16::try_from(wanted.min(most)).unwrap_or(u16::MAX);
    let (_, area) = layout::foot(within, rows);
    pane::clear(frame, area);
    let title = title(app, call, wanted > usize::from(area.height));
    let inner = pane::framed(frame, theme, area, &title, true, area.height >= 6);
    let sheet = Sheet {
        head,
        above: &above,
        arguments: &arguments,
        bytes: call.arguments.len(),
        foot,
    };
    sheet.draw(app, theme, frame, inner)
}

fn title(app: &App, call: &ToolCall, is_short: bool) -> String {
    let mut title = "Allow this call?".to_owned();
    if is_short {
        // The line with the name is the first to go where there is no room, and no one may answer without it.
        title.push_str(&format!(" {}", clean::line(&call.title())));
    }
    if app.host.questions.len() > 1 {
        title.push_str(&format!(" 1 of {}", app.host.questions.len()));
    }
    title
}

/// What the dialog says, laid out.
struct Sheet<'a> {
    head: Lines,
    /// What the call would do; the arguments follow it.
    above: &'a [Line<'static>],
    arguments: &'a [Line<'static>],
    bytes: usize,
    foot: Lines,
}

impl Sheet<'_> {
    /// From the bottom up: the answers must be seen, then the arguments, then the words around them.
    fn draw(&self, app: &App, theme: &Theme, frame: &mut Frame, area: Rect) -> (usize, usize) {
        let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let reason = app.ask.reason.as_ref();
        let (rest, below) = layout::foot(area, u16::from(reason.is_some()));
        if let Some(reason) = reason {
            let placeholder = reason.text().is_empty().then_some("why not, for the model");
            composer::text(reason, placeholder, theme, frame, below, true);
        }
        let all = 1 + self.above.len() + self.arguments.len();
        // Where rows are too few, a blank one is one less to read.
        let wanted = rows(self.head.len() + all + self.foot.len());
        let blank = usize::from(rest.height < TIGHT.min(wanted));
        let foot = self.foot.get(blank..).unwrap_or_default();
        let (rest, answers) = layout::foot(rest, rows(foot.len()));
        pane::lines(frame, answers, foot);
        let body = rows(all).min(BODY);
        let heads = rows(self.head.len()).min(rest.height.saturating_sub(body));
        let (head, rest) = layout::top(rest, heads);
        pane::lines(frame, head, &self.head);
        self.draw_arguments(app.ask.scroll, theme, frame, rest)
    }

    fn draw_arguments(
        &self,
        scroll: usize,
        theme: &Theme,
        frame: &mut Frame,
        area: Rect,
    ) -> (usize, usize) {
        let all = self.above.len() + self.arguments.len();
        let shown = usize::from(area.height.saturating_sub(1));
        let first = scroll.min(all.saturating_sub(shown));
        let mut title = match self.above.is_empty() {
            true => format!("arguments as sent · {}", human::bytes(self.bytes as u64)),
            false if area.width < 60 => "what it would do, then as sent".to_owned(),
            false => "what it would do, and the arguments as sent".to_owned(),
        };
        if all > shown {
            let last = (first + shown).min(all);
            title.push_str(&format!(" · lines {}-{last} of {all}", first + 1));
        }
        let body = pane::ruled(frame, theme, area, &title, false);
        let lines = self.above.iter().chain(self.arguments);
        pane::lines(frame, body, lines.skip(first));
        pane::scrollbar(frame, theme, body, first, all);
        (all, usize::from(body.height))
    }
}

/// The answers, with a blank line before them.
fn foot(app: &App, cols: usize, theme: &Theme) -> Lines {
    let marked = Some(app.ask.marked);
    let mut foot = vec![Line::default()];
    let answers = ask::answers(Context::Question, &Choice::ALL, marked, cols, theme);
    foot.extend(answers);
    foot
}

/// Which tool, why it is asked, what the server claims.
fn head(app: &App, why: &str, call: &ToolCall, cols: usize, theme: &Theme) -> Lines {
    let mut out = styled::wrapped(
        &[
            span(clean::line(&call.title()), theme.accent),
            span(format!(" · {}", clean::line(why)), theme.text),
        ],
        cols,
    );
    let server = call.server.as_ref().and_then(|name| app.host.server(name));
    if let Some((server, tool)) = server.and_then(|server| Some((server, server.tool(&call.tool)?)))
    {
        let claims = claims(&tool.annotations);
        let says = if is_own(server) {
            format!("mcpdeck's own server: {claims}")
        } else {
            format!("the server says: {claims} (not verified)")
        };
        out.extend(code::plain(&says, theme.dim, cols));
        out.extend(
            pins::flagged(server.flags.of(&call.tool), cols, theme)
                .into_iter()
                .take(FLAGS),
        );
    }
    out
}

/// Whether it is one of the servers that come with the program: their word is ours.
fn is_own(server: &Server) -> bool {
    let launch = server.spec.as_ref().map(|spec| &spec.launch);
    launch.is_some_and(|launch| matches!(launch, Launch::Bundled(_)))
}

/// A server's annotations in words.
pub(super) fn claims(of: &Annotations) -> String {
    let pair = |claim: Option<bool>, yes: &'static str, no: &'static str| {
        claim.map(|claim| if claim { yes } else { no })
    };
    // Of a tool that only reads, what it destroys and whether it may be repeated mean nothing; and that something is not so is
    // worth a word only where it calms.
    let writes = of.read_only != Some(true);
    let said = [
        pair(of.read_only, "read-only", "changes something"),
        pair(
            of.destructive.filter(|_| writes),
            "may destroy",
            "destroys nothing",
        ),
        of.idempotent
            .filter(|again| writes && *again)
            .map(|_| "safe to repeat"),
        of.open_world
            .filter(|open| *open)
            .map(|_| "reaches the outside world"),
    ];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    if said.is_empty() {
        "nothing about what it does".to_owned()
    } else {
        said.join(", ")
    }
}
